# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Applies and deletes objects, provided that they have not changed since the plan. PRIVATE to the collection: it can change at any time.

Messages name an object and never show its content, because some objects are Secrets.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import groupby
from typing import Any, TypeVar

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.masking import MASK
from ansible_collections.messaging.nats.plugins.module_utils._common.progress import Waiting
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.http import APPLY_PATCH
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.object_versions import (
    declared_part,
    is_unchanged,
    key,
    last_writer,
    version,
)
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import MANAGER, Object, title

T = TypeVar("T")
W = TypeVar("W")
# Objects that are applied at the same time.
MAX_CONCURRENT = 8
# Tries to update an object whose status changes between reading and writing.
MAX_CONFLICTS = 10
# An apply with a resourceVersion creates the object if it does not exist, and is refused if the object has another version.
# The API server's store begins with this version, so no object ever has it.
NO_OBJECTS = "1"
# The answers to an apply where the object has another resourceVersion, or another uid, which is an immutable field.
CHANGED_MEANWHILE = (HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY)
# Seconds between two reads of an object that is being deleted.
POLL_INTERVAL_S = 0.2
# Kinds that other objects need are applied first, and kinds that run pods last.
FIRST, WORKLOADS = ("Namespace", "CustomResourceDefinition"), ("StatefulSet", "Deployment", "DaemonSet", "Job", "Pod")
PLAN_AGAIN = "Look at the change, then run the play again: it makes a new plan."


@dataclass(frozen=True)
class Applied:
    """One object before and after it was applied."""

    declared: Object
    before: Object | None
    after: Object
    changed: bool


@dataclass(frozen=True)
class Objects:
    """Applies and deletes objects of one Kubernetes cluster that a plan has seen."""

    kubernetes: Kubernetes
    # The version of each object when the plan was made, by the object's key; None where there is no plan.
    seen: Mapping[str, Mapping[str, str]] | None = None
    # Nothing is written; the API server computes what the objects would become.
    dry_run: bool = False
    waiting: Waiting = field(default_factory=Waiting)

    def apply(self, declared: Sequence[Object]) -> list[Applied]:
        """Applies all objects, or none where one has changed since the plan. After a failure, objects of a later rank are not applied."""
        ordered = sorted(declared, key=_rank)
        pairs = list(zip(ordered, _concurrently(self._find_unchanged, ordered), strict=True))
        done: list[Applied] = []
        for _same_rank, group in groupby(pairs, lambda pair: _rank(pair[0])):
            done += _concurrently(self._apply, list(group))
        return done

    def _find_unchanged(self, item: Object) -> Object | None:
        """The object that exists now; raises where it has changed since the plan."""
        found = self.kubernetes.find(self.kubernetes.path(item), _what(item))
        if self.seen is not None:
            _check_unchanged(_what(item), found, self.seen.get(key(item)))
        return found

    def _apply(self, pair: tuple[Object, Object | None]) -> Applied:
        item, before = pair
        try:
            if self.seen is None:
                after = self._patch(item)
            elif before is None:
                after = self._create(item)
            else:
                after = self._update(item, before, self.seen[key(item)])
        except NatsError as error:
            raise _without_contents(error, item) from error
        return Applied(item, before, after, before is None or _differs(before, after))

    def _create(self, item: Object) -> Object:
        """Creates an object; raises where somebody else has created it since the plan."""
        try:
            return self._patch(item, resourceVersion=NO_OBJECTS)
        except NatsError as error:
            if error.err_code == HTTPStatus.CONFLICT:
                self._find_unchanged(item)
            raise

    def _update(self, item: Object, found: Object, seen: Mapping[str, str]) -> Object:
        """Updates the version that the plan saw, or a later one in which only the status differs."""
        for _try in range(MAX_CONFLICTS):
            version_found = found["metadata"]["resourceVersion"]
            try:
                return self._patch(item, uid=seen["uid"], resourceVersion=version_found)
            except NatsError as error:
                latest = self._find_unchanged(item) if error.err_code in CHANGED_MEANWHILE else None
                if latest is None or latest["metadata"]["resourceVersion"] == version_found:
                    raise
                found = latest
        cause = f"its status changed during each of {MAX_CONFLICTS} tries to update it"
        raise NatsError(_what(item), cause, "Run it again.", code="KUBERNETES_CONFLICT")

    def _patch(self, item: Object, **meta: str) -> Object:
        options = {"dryRun": "All"} if self.dry_run else {}
        body = item | {"metadata": item["metadata"] | meta}
        path, what = self.kubernetes.path(item), _what(item)
        options |= {"fieldManager": MANAGER, "force": "true"}
        return self.kubernetes.call("PATCH", path, what, body, APPLY_PATCH, **options)

    def delete(self, obsolete: Sequence[Object], timeout: float) -> list[Object]:
        """Deletes objects in this order, adjacent ones of one kind together, and waits for each. Returns those that existed."""
        deadline = time.monotonic() + timeout
        done: list[Object] = []
        for _same_kind, group in groupby(obsolete, lambda item: item["kind"]):
            deleted = _concurrently(lambda item: self._delete(item, deadline), list(group))
            done += [item for item in deleted if item is not None]
        return done

    def _delete(self, item: Object, deadline: float) -> Object | None:
        path, what, uid = self.kubernetes.path(item), _what(item), item["metadata"].get("uid")
        found = self.kubernetes.find(path, what)
        if found is None:
            return None
        if uid and found["metadata"]["uid"] != uid:
            cause = f"it was deleted and created again since this play made its plan, by {last_writer(found)}"
            raise NatsError(what, cause, PLAN_AGAIN, code="PLAN_OUTDATED")
        if self.dry_run:
            return item
        uid = found["metadata"]["uid"]
        # With this policy, a StatefulSet exists until all its pods are deleted.
        options = {"propagationPolicy": "Foreground", "preconditions": {"uid": uid}}
        try:
            self.kubernetes.call("DELETE", path, what, options)
        except NatsError as error:
            if error.err_code != HTTPStatus.NOT_FOUND:
                raise
        self._wait_until_deleted(path, what, uid, deadline)
        return item

    def _wait_until_deleted(self, path: str, what: str, uid: str, deadline: float) -> None:
        while (remaining := self.kubernetes.find(path, what)) and remaining["metadata"]["uid"] == uid:
            if time.monotonic() > deadline:
                finalizers = ", ".join(remaining["metadata"].get("finalizers") or ["none"])
                cause = f"it is being deleted, but still exists after the timeout; its finalizers: {finalizers}"
                remedy = "Look at the objects that it owns, then run it again: it continues from there."
                raise NatsError(what, cause, remedy, code="TIMED_OUT")
            self.waiting(f"{what} is being deleted")
            time.sleep(POLL_INTERVAL_S)


def names(done: Sequence[Applied]) -> list[str]:
    """The objects that applying created or changed."""
    return [title(entry.declared) for entry in done if entry.changed]


def versions_after(done: Sequence[Applied]) -> dict[str, dict[str, str]]:
    """The versions of the objects as they were applied, by their keys."""
    return {
        key(entry.declared): version(entry.after) for entry in done if entry.after["metadata"].get("resourceVersion")
    }


def _rank(item: Object) -> int:
    """Objects of a lower rank are applied first."""
    kind = item["kind"]
    return 0 if kind in FIRST else 1 if kind == "Secret" else 3 if kind in WORKLOADS else 2


def _what(item: Object) -> str:
    namespace = item["metadata"].get("namespace")
    return f"{title(item)} in namespace {namespace}" if namespace else title(item)


def _differs(before: Object, after: Object) -> bool:
    return declared_part(before) != declared_part(after)


def _check_unchanged(what: str, found: Object | None, seen: Mapping[str, str] | None) -> None:
    """Raises where the object that exists now is not the one that the plan saw; either may be None."""
    since = "since this play made its plan"
    if is_unchanged(found, seen) if found and seen else found is None and seen is None:
        return
    if found is None:
        cause = f"it was deleted {since}"
    elif seen is None:
        cause = f"it was created {since}, by {last_writer(found)}"
    elif found["metadata"]["uid"] != seen["uid"]:
        cause = f"it was deleted and created again {since}, by {last_writer(found)}"
    else:
        cause = f"it was changed {since}, by {last_writer(found)}"
    raise NatsError(what, cause, PLAN_AGAIN, HTTPStatus.CONFLICT, code="PLAN_OUTDATED")


def _without_contents(error: NatsError, item: Object) -> NatsError:
    """The error without the values of a Secret, since the API server may repeat a value that it can't decode."""
    if item["kind"] != "Secret":
        return error
    cause = error.cause
    for value in sorted(map(str, _values(item)), key=len, reverse=True):
        cause = cause.replace(value, MASK) if value else cause
    return NatsError(error.what, cause, error.remedy, error.err_code, code=error.code)


def _values(item: Mapping[str, Any]) -> Iterator[Any]:
    for field_name in ("data", "stringData"):
        content = item.get(field_name)
        yield from content.values() if isinstance(content, dict) else [content] if content else []


def _concurrently(work: Callable[[W], T], items: Sequence[W]) -> list[T]:
    """The results of `work` for all items. It runs for all of them, and one error reports all failures."""

    def attempt(item: W) -> T | NatsError:
        try:
            return work(item)
        except NatsError as error:
            return error

    with ThreadPoolExecutor(MAX_CONCURRENT) as pool:
        results = list(pool.map(attempt, items))
    errors = [entry for entry in results if isinstance(entry, NatsError)]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        codes = {error.code for error in errors}
        code = errors[0].code if len(codes) == 1 else "SEVERAL_FAILURES"
        raise NatsError(f"{len(errors)} objects", "\n".join(map(str, errors)), "", errors[0].err_code, code=code)
    return [entry for entry in results if not isinstance(entry, NatsError)]
