# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The one error of this collection. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from enum import Enum
from typing import Any


class NatsError(Exception):
    """Something a person has to know: what it is about, why it is so, and what to do.

    `code` tells a program what happened, as `docs/errors.md` lists it. No decision rests on the sentences.
    """

    code = "UNEXPECTED"

    def __init__(
        self, what: str, cause: str, remedy: str = "", err_code: int | None = None, *, code: str | None = None
    ) -> None:
        self.what = what
        self.cause = cause
        self.remedy = remedy
        self.err_code = err_code
        self.code = code or type(self).code
        super().__init__(what, cause, remedy)

    def __str__(self) -> str:
        return f"{self.what}: {self.cause.rstrip('.')}. {self.remedy}".rstrip()

    def result(self) -> dict[str, Any]:
        """What a failed task tells: the sentence, and its parts for an `assert` or a `rescue`."""
        parts: dict[str, Any] = {"msg": str(self), "code": self.code, "cause": self.cause, "remedy": self.remedy}
        if self.err_code is not None:
            parts["err_code"] = self.err_code
        return parts


class NobodyAnswersError(NatsError):
    """A request that reached nobody: it was not carried out."""

    code = "NOBODY_ANSWERS"


class UnansweredError(NatsError):
    """A request that was sent and not answered: whether it was carried out, only reading again can tell."""

    code = "NO_ANSWER"


class Unasked(str, Enum):
    """Why an account could not be asked."""

    NO_LOGIN = "there is no login for it"
    FORBIDDEN = "the login may not be read"
    REFUSED = "the login was refused"
    NOT_TRUSTED = "TLS failed"
    OTHER_ACCOUNT = "the user is of another account"
    DENIED = "the user lacks a permission"
    NO_ANSWER = "no answer came in time"


class NotAskedError(NatsError):
    """A question that reached nobody, so that nothing is known of what it was about."""

    def __init__(self, reason: Unasked, what: str, cause: str, remedy: str = "", err_code: int | None = None) -> None:
        super().__init__(what, cause, remedy, err_code, code=f"ACCOUNT_{reason.name}")
        self.reason = reason
