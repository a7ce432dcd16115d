# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Applies and deletes objects that are still what the plan saw. PRIVATE to the collection: it can change at any time.

What a person is told of an object is its name: among them are Secrets.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
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
# So many objects at the same time, and so often one whose status changes all the time is tried.
MAX_CONCURRENT, MAX_CONFLICTS = 8, 10
# Kubernetes makes an object that is applied with any version where there is none, and refuses one of another version
# where there is one. Its store begins with this version, so no object has it.
NO_OBJECTS = "1"
# Another version; another uid, which is a field that can't change.
OVERTAKEN = (http.client.CONFLICT, http.client.UNPROCESSABLE_ENTITY)
# Seconds between two looks at what is being deleted.
POLL_INTERVAL_S = 0.2
# What others need comes first, and what runs pods last.
FIRST, WORKLOADS = ("Namespace", "CustomResourceDefinition"), ("StatefulSet", "Deployment", "DaemonSet", "Job", "Pod")
PLAN_AGAIN = "Look at the change, then run it again: the plan is made anew."


@dataclass(frozen=True)
class Applied:
    """One object, before and after."""

    declared: Object
    before: Object | None
    after: Object
    changed: bool


@dataclass(frozen=True)
class Objects:
    """Objects of one Kubernetes cluster, and what a plan saw of them."""

    kubernetes: Kubernetes
    # By key; None where nobody has made a plan.
    seen: Mapping[str, Mapping[str, str]] | None = None
    # Nothing is written; the API server says what would be.
    dry_run: bool = False
    waiting: Waiting = field(default_factory=Waiting)

    def apply(self, declared: Sequence[Object]) -> list[Applied]:
        """All of them, or none where one is not what the plan saw. What comes later is not begun where something before it failed."""
        ordered = sorted(declared, key=_rank)
        due = list(zip(ordered, _all(self._look, ordered), strict=True))
        done: list[Applied] = []
        for _same_rank, group in groupby(due, lambda entry: _rank(entry[0])):
            done += _all(self._apply, list(group))
        return done

    def _look(self, item: Object) -> Object | None:
        """What there is; raises where that is not what the plan saw."""
        found = self.kubernetes.find(self.kubernetes.path(item), _what(item))
        if self.seen is not None:
            _refuse_what_changed(_what(item), found, self.seen.get(key(item)))
        return found

    def _apply(self, due: tuple[Object, Object | None]) -> Applied:
        item, before = due
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
        """An object that appeared since the plan is somebody else's, and stays as it is."""
        try:
            return self._patch(item, resourceVersion=NO_OBJECTS)
        except NatsError as error:
            if error.err_code == http.client.CONFLICT:
                self._look(item)
            raise

    def _update(self, item: Object, found: Object, seen: Mapping[str, str]) -> Object:
        """With the version that the plan saw, or a later one that differs in nothing but the status."""
        for _try in range(MAX_CONFLICTS):
            version_found = found["metadata"]["resourceVersion"]
            try:
                return self._patch(item, uid=seen["uid"], resourceVersion=version_found)
            except NatsError as error:
                latest = self._look(item) if error.err_code in OVERTAKEN else None
                if latest is None or latest["metadata"]["resourceVersion"] == version_found:
                    raise
                found = latest
        cause = f"its status changes so often that {MAX_CONFLICTS} tries met another version"
        raise NatsError(_what(item), cause, "Run it again.")

    def _patch(self, item: Object, **meta: str) -> Object:
        only = {"dryRun": "All"} if self.dry_run else {}
        body = item | {"metadata": item["metadata"] | meta}
        path, what = self.kubernetes.path(item), _what(item)
        return self.kubernetes.call("PATCH", path, what, body, APPLY_PATCH, fieldManager=MANAGER, force="true", **only)

    def delete(self, going: Sequence[Object], timeout: float) -> list[Object]:
        """In this order, those of one kind together; each is waited for. Those that were there."""
        deadline = time.monotonic() + timeout
        done: list[Object] = []
        for _same_kind, group in groupby(going, lambda item: item["kind"]):
            deleted = _all(lambda item: self._delete(item, deadline), list(group))
            done += [item for item in deleted if item is not None]
        return done

    def _delete(self, item: Object, deadline: float) -> Object | None:
        path, what, uid = self.kubernetes.path(item), _what(item), item["metadata"].get("uid")
        found = self.kubernetes.find(path, what)
        if found is None:
            return None
        if uid and found["metadata"]["uid"] != uid:
            raise NatsError(
                what, f"it was made anew since this play made its plan, by {last_writer(found)}", PLAN_AGAIN
            )
        if self.dry_run:
            return item
        uid = found["metadata"]["uid"]
        # A StatefulSet is gone when its pods are.
        options = {"propagationPolicy": "Foreground", "preconditions": {"uid": uid}}
        try:
            self.kubernetes.call("DELETE", path, what, options)
        except NatsError as error:
            if error.err_code != http.client.NOT_FOUND:
                raise
        while (left := self.kubernetes.find(path, what)) and left["metadata"]["uid"] == uid:
            if time.monotonic() > deadline:
                waits = ", ".join(left["metadata"].get("finalizers") or ["nothing that it names"])
                cause = f"it is being deleted and still there when the time is over; its finalizers: {waits}"
                raise NatsError(what, cause, "Look at what it owns, then run it again: it goes on from there.")
            self.waiting(f"{what} is being deleted")
            time.sleep(POLL_INTERVAL_S)
        return item


def names(done: Sequence[Applied]) -> list[str]:
    return [title(entry.declared) for entry in done if entry.changed]


def versions_after(done: Sequence[Applied]) -> dict[str, dict[str, str]]:
    return {
        key(entry.declared): version(entry.after) for entry in done if entry.after["metadata"].get("resourceVersion")
    }


def _rank(item: Object) -> int:
    kind = item["kind"]
    return 0 if kind in FIRST else 1 if kind == "Secret" else 3 if kind in WORKLOADS else 2


def _what(item: Object) -> str:
    namespace = item["metadata"].get("namespace")
    return f"{title(item)} in namespace {namespace}" if namespace else title(item)


def _differs(before: Object, after: Object) -> bool:
    return declared_part(before) != declared_part(after)


def _refuse_what_changed(what: str, found: Object | None, seen: Mapping[str, str] | None) -> None:
    """What was there when the plan was made, and what is there now."""
    since = "since this play made its plan"
    if is_unchanged(found, seen) if found and seen else found is None and seen is None:
        return
    if found is None:
        cause = f"it was deleted {since}"
    elif seen is None or found["metadata"]["uid"] != seen["uid"]:
        cause = f"it was made {'' if seen is None else 'anew '}{since}, by {last_writer(found)}"
    else:
        cause = f"it was changed {since}, by {last_writer(found)}"
    raise NatsError(what, cause, PLAN_AGAIN, http.client.CONFLICT)


def _without_contents(error: NatsError, item: Object) -> NatsError:
    """The API server may repeat a value that it can't read."""
    if item["kind"] != "Secret":
        return error
    cause = error.cause
    for value in sorted(map(str, _values(item)), key=len, reverse=True):
        cause = cause.replace(value, MASK) if value else cause
    return NatsError(error.what, cause, error.remedy, error.err_code)


def _values(item: Mapping[str, Any]) -> Iterator[Any]:
    for place in ("data", "stringData"):
        content = item.get(place)
        yield from content.values() if isinstance(content, dict) else [content] if content else []


def _all(work: Callable[[W], T], items: Sequence[W]) -> list[T]:
    """At the same time; what failed is told of all of them."""

    def one(item: W) -> T | NatsError:
        try:
            return work(item)
        except NatsError as error:
            return error

    with ThreadPoolExecutor(MAX_CONCURRENT) as pool:
        found = list(pool.map(one, items))
    errors = [entry for entry in found if isinstance(entry, NatsError)]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise NatsError(f"{len(errors)} objects", "\n".join(map(str, errors)), "", errors[0].err_code)
    return [entry for entry in found if not isinstance(entry, NatsError)]
