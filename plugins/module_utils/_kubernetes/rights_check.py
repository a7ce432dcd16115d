# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Asks Kubernetes what this user may do, before anything is changed. PRIVATE to the collection: it can change at any time.

Only a clear no refuses. What Kubernetes does not answer is returned as a remark.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError, NotAskedError, Unasked
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import Object
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights import (
    WEBSOCKETS_NEED_CREATE,
    Need,
    Right,
    distinct,
    kind_of,
    not_granted,
    sentences,
)
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights_table import FOLDER, files_for

API = "/apis/authorization.k8s.io/v1"
MAX_CONCURRENT = 8


@dataclass(frozen=True)
class Rules:
    """The rules that a user has in a namespace, as far as Kubernetes tells."""

    rules: tuple[Mapping[str, Any], ...] = ()
    # Whether what is in none of the rules is surely not granted.
    complete: bool = False
    # Why the rules could not be read at all.
    failure: str = ""


@dataclass
class Verdict:
    """Which rights are missing, and of which that is not known."""

    missing: list[Need] = field(default_factory=list)
    unknown: list[Need] = field(default_factory=list)
    # Why it is not known of them.
    causes: list[str] = field(default_factory=list)

    def remarks(self) -> list[str]:
        """What could not be checked, in a sentence."""
        if not self.unknown:
            return []
        rights = ", ".join(dict.fromkeys(f"{need.right.verb} {need.right.resource}" for need in self.unknown))
        causes = "; ".join(dict.fromkeys(self.causes))
        return [f"not checked: whether this user may {rights}, since Kubernetes does not tell: {causes}"]


class Rights:
    """What one user may do. The rules of each namespace are read once."""

    def __init__(self, kubernetes: Kubernetes) -> None:
        self._kubernetes = kubernetes
        self._rules: dict[str, Rules] = {}
        self._single: dict[Right, bool | str] = {}

    def verdict(self, needs: Iterable[Need]) -> Verdict:
        """By the rules of each namespace, and by a review of each right that they can't tell."""
        found, one_by_one = Verdict(), []
        for need in distinct(needs):
            rules = self._of(need.right.namespace) if need.right.namespace else Rules()
            if not not_granted([need], rules.rules):
                continue
            if rules.failure:
                found.unknown.append(need)
                found.causes.append(rules.failure)
            elif rules.complete:
                found.missing.append(need)
            else:
                one_by_one.append(need)
        self._ask_one_by_one(one_by_one, found)
        return self._without_newer(found)

    def require(self, needs: Iterable[Need], verb: str, also: Iterable[Need] = ()) -> list[str]:
        """Raises where one of these rights is missing; returns what could not be checked.

        The error then names what is missing of `also` too, which is needed later.
        """
        wanted = [*needs]
        found = self.verdict(wanted)
        if not found.missing:
            return found.remarks()
        # A right to the one object that is needed is enough, even if `also` has it for all objects of the kind.
        enough = {kind_of(need.right) for need in wanted if need not in found.missing}
        later = [need for need in also if kind_of(need.right) not in enough]
        raise missing_rights(self._kubernetes, verb, self.verdict([*wanted, *later]).missing)

    def _of(self, namespace: str) -> Rules:
        if namespace not in self._rules:
            what, body = f"rules of this user in namespace {namespace}", {"spec": {"namespace": namespace}}
            try:
                answer = self._review("SelfSubjectRulesReview", what, body)
                status = answer["status"]
                complete = not status.get("incomplete") and not status.get("evaluationError")
                self._rules[namespace] = Rules(tuple(status.get("resourceRules") or ()), complete)
            except NatsError as error:
                self._rules[namespace] = Rules(failure=error.cause)
            except (KeyError, TypeError, AttributeError):
                self._rules[namespace] = Rules(failure="the answer has no rules")
        return self._rules[namespace]

    def _ask_one_by_one(self, needs: Collection[Need], found: Verdict) -> None:
        """Adds what is missing or unknown of these needs."""
        asked = list(dict.fromkeys(need.right for need in needs if need.right not in self._single))
        with ThreadPoolExecutor(MAX_CONCURRENT) as pool:
            self._single |= dict(zip(asked, pool.map(self._is_allowed, asked), strict=True))
        for need in needs:
            answer = self._single[need.right]
            if answer is False:
                found.missing.append(need)
            elif isinstance(answer, str):
                found.unknown.append(need)
                found.causes.append(answer)

    def _is_allowed(self, right: Right) -> bool | str:
        """Whether a right is granted, or why that is not known."""
        body = {"spec": {"resourceAttributes": right.attributes()}}
        try:
            answer = self._review("SelfSubjectAccessReview", f"right to {right.verb} {right.resource}", body)
        except NatsError as error:
            return error.cause
        status = answer.get("status") or {}
        if status.get("allowed"):
            return True
        # A failed authorizer has no opinion, which is no denial.
        failure = status.get("evaluationError")
        return str(failure) if failure and not status.get("denied") else False

    def _review(self, kind: str, what: str, body: Object) -> Object:
        body |= {"apiVersion": "authorization.k8s.io/v1", "kind": kind}
        return self._kubernetes.call("POST", f"{API}/{kind.lower()}s", what, body)

    def _without_newer(self, found: Verdict) -> Verdict:
        """Leaves out what this version of Kubernetes does not ask for."""
        doubtful = [need for need in found.missing if need.right.depends_on_version]
        if not doubtful:
            return found
        certain = [need for need in found.missing if need not in doubtful]
        try:
            version = version_of(self._kubernetes.call("GET", "/version", "the version of Kubernetes"))
        except (NatsError, ValueError) as error:
            cause = error.cause if isinstance(error, NatsError) else str(error)
            return Verdict(certain, [*found.unknown, *doubtful], [*found.causes, cause])
        return found if version >= WEBSOCKETS_NEED_CREATE else Verdict(certain, found.unknown, found.causes)


def version_of(answer: Mapping[str, Any]) -> tuple[int, int]:
    """Major and minor version; some providers write a plus behind the minor one."""
    numbers = re.fullmatch(r"(\d+)\.(\d+)\D*", f"{answer.get('major')}.{answer.get('minor')}")
    if not numbers:
        raise ValueError("its version is not a number")
    return int(numbers[1]), int(numbers[2])


def missing_rights(kubernetes: Kubernetes, verb: str, missing: Collection[Need]) -> NatsError:
    """One error that names every right that is missing."""
    count = f"{len(missing)} rights" if len(missing) > 1 else "a right"
    lines = "".join(f"\n  - {sentence}" for sentence in sentences(missing))
    cause = f"the user of {kubernetes.source} lacks {count} in Kubernetes:{lines}"
    files = " and ".join(f"{FOLDER}/{name}" for name in files_for(verb, missing))
    remedy = f"Have {files} of this collection applied (kubectl apply) and bound to this user, or these rights added to its own Role."
    return NatsError(verb, cause, remedy, HTTPStatus.FORBIDDEN, code="RIGHTS_MISSING")


def require_rights(kubernetes: Kubernetes, needs: Iterable[Need], verb: str) -> list[str]:
    """Raises where one of these rights is missing; returns what could not be checked."""
    return Rights(kubernetes).require(needs, verb)


@contextmanager
def all_missing_named(kubernetes: Kubernetes, needs: Callable[[], Iterable[Need]], verb: str) -> Iterator[None]:
    """For what changes nothing: where Kubernetes refuses something, the error names all rights that are missing, not the first alone.

    `needs` is only called then.
    """
    try:
        yield
    except NatsError as error:
        may_follow = isinstance(error, NotAskedError) and error.reason in (Unasked.FORBIDDEN, Unasked.NO_ANSWER)
        if may_follow or error.err_code == HTTPStatus.FORBIDDEN:
            missing = Rights(kubernetes).verdict(needs()).missing
            if missing:
                raise missing_rights(kubernetes, verb, missing) from error
        raise
