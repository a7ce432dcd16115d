# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The errors of this collection. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from enum import Enum
from typing import Any


class NatsError(Exception):
    """A failure that a person has to read: which object it is about, its cause, and what to do.

    `code` is the kind of failure for programs, one of those that `docs/errors.md` lists. Nothing decides by the wording.
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
        """The result of a failed task: the whole sentence, and its parts for an `assert` or a `rescue`."""
        parts: dict[str, Any] = {"msg": str(self), "code": self.code, "cause": self.cause, "remedy": self.remedy}
        if self.err_code is not None:
            parts["err_code"] = self.err_code
        return parts


class NobodyAnswersError(NatsError):
    """A request to a subject without a responder, so it was not carried out."""

    code = "NOBODY_ANSWERS"


class UnansweredError(NatsError):
    """A request that was sent and not answered. Only reading again shows whether it was carried out."""

    code = "NO_ANSWER"


class DeniedRequestError(NatsError):
    """A request that this user may not send; the answers to others come in."""

    code = "ACCOUNT_DENIED"


class Unasked(str, Enum):
    """Why a request as a user of an account could not be sent."""

    NO_LOGIN = "there is no login for it"
    FORBIDDEN = "the login may not be read"
    REFUSED = "the login was refused"
    NOT_TRUSTED = "TLS failed"
    OTHER_ACCOUNT = "the user is of another account"
    DENIED = "the user lacks a permission"
    NO_ANSWER = "no answer came in time"


class NotAskedError(NatsError):
    """A request that could not be sent for one of the reasons in `Unasked`, so the state of its object is unknown."""

    def __init__(
        self,
        reason: Unasked,
        what: str,
        cause: str,
        remedy: str = "",
        err_code: int | None = None,
        *,
        code: str | None = None,
    ) -> None:
        super().__init__(what, cause, remedy, err_code, code=code or f"ACCOUNT_{reason.name}")
        self.reason = reason
