# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Single subjects and sources of a stream that others share. Pure: it sends no request.

`add` and `remove` say nothing of the other entries of a list, so the list is made of the one that the server has.
PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.field_types import NestedError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.origin import same_source
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planner import merged
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Refusal, Resource, invalid
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.subject_order import PARKED
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.subjects import covers
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config

ADD, REMOVE = "add", "remove"


class Entries(NamedTuple):
    """How the entries of a list relate to one another."""

    # What two entries have in common that are the same one.
    identity: Callable[[Any], Hashable]
    # Whether the first one makes the second one needless.
    includes: Callable[[Any, Any], bool] = lambda _one, _other: False


ENTRIES = {"subjects": Entries(str, covers), "sources": Entries(same_source)}


@dataclass(frozen=True)
class ListEdits:
    """The entries that are added to lists and taken from them, by the server's name of the list."""

    add: Config = field(default_factory=dict)
    remove: Config = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.add or self.remove)

    def among(self, changes: Collection[str]) -> bool:
        """Whether one of the lists is among the changes of a plan."""
        return any(key in changes for key in {**self.add, **self.remove})

    def applied(self, config: Mapping[str, Any]) -> Config:
        """The whole lists, made of those that a configuration has."""
        return {key: self._list(key, config.get(key) or []) for key in {**self.add, **self.remove}}

    def _list(self, key: str, before: list[Any]) -> list[Any]:
        identity, includes = ENTRIES[key]
        leaving = {identity(entry) for entry in self.remove.get(key, ())}
        after = [entry for entry in before if identity(entry) not in leaving and not _is_parked(entry)]
        for entry in self.add.get(key, ()):
            for position, present in enumerate(after):
                if identity(present) == identity(entry):
                    after[position] = merged(present, entry)
                    break
            else:
                if not any(includes(present, entry) for present in after):
                    after.append(entry)
        return after

    def objections(self, config: Mapping[str, Any]) -> Iterator[Refusal]:
        """Why the lists that come of a configuration would be refused by the server, or be others than meant."""
        after = {**config, **self.applied(config)}
        stored_before = config.get("subjects") or config.get("sources")
        if self and stored_before and not any(after.get(key) for key in ("subjects", "sources", "mirror")):
            yield invalid(
                "remove: nothing would be left to store, and the server would give the stream its own name as a subject",
                "Add another subject in the same task, or delete the stream with state: absent.",
            )


NO_EDITS = ListEdits()


def _is_parked(entry: Any) -> bool:
    """Whether it is the subject of a stream in the middle of an exchange, which nobody declares."""
    return isinstance(entry, str) and entry.startswith(PARKED)


def parse_edits(resource: Resource, options: Mapping[str, Any], title: str) -> ListEdits:
    """The edits as they are written, unless they contradict one another or another option."""
    edits = ListEdits(*(_parse(resource, option, options, title) for option in (ADD, REMOVE)))
    for key in edits.add.keys() & edits.remove.keys():
        identity = ENTRIES[key].identity
        leaving = {identity(entry) for entry in edits.remove[key]}
        if both := [entry for entry in edits.add[key] if identity(entry) in leaving]:
            shown = ", ".join(str(entry["name"]) if isinstance(entry, dict) else entry for entry in both)
            raise _refused(title, f"add.{key} and remove.{key} both have {shown}", "Write it in one of them.")
    return edits


def _parse(resource: Resource, option: str, options: Mapping[str, Any], title: str) -> Config:
    parsed: Config = {}
    for key, value in (options.get(option) or {}).items():
        if not value:
            continue
        if options.get(key) is not None or key in (options.get("unset") or ()):
            cause = f"{option}.{key} and {key} exclude one another"
            raise _refused(title, cause, f"Write the whole list as {key}, or single entries as {option}.{key}.")
        try:
            parsed[key] = resource.by_key[key].type.parse(value)
        except NestedError as error:
            raise _refused(title, f"{option}.{key}{error}") from error
        except ValueError as error:
            raise _refused(title, f"{option}.{key}: {error}") from error
        if "" in parsed[key]:
            raise _refused(title, f"{option}.{key} has an empty entry", "Write a subject, or leave it out.")
    return parsed


def _refused(title: str, cause: str, remedy: str = "") -> NatsError:
    return NatsError(title, cause, remedy, code="INVALID_VALUE")
