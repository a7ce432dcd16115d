# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""A kind of JetStream resource as a table. PRIVATE to the collection: it can change at any time.

Argument spec, conversion, comparison, planning and the test of the documentation all read it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any, NamedTuple

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.field_types import NestedError, Type, options
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config


@dataclass(frozen=True)
class Current:
    """A resource as the server has it."""

    config: Config
    state: Mapping[str, Any] = field(default_factory=dict)
    # What the server says of it beside that, as whether it is paused.
    info: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Context:
    """What a resource lives in: a consumer's stream and the other consumers' configurations, and the server."""

    stream: Mapping[str, Any] = field(default_factory=dict)
    consumers: tuple[Mapping[str, Any], ...] = ()
    # Up to 2.10.5 the server deletes what is above a limit under `discard: new` too.
    trims_discard_new: bool = False
    # Consumers of a stream that the same declaration deletes.
    leaving: int = 0


class Mutability(Enum):
    """What the server lets happen to a field after creation."""

    FREELY = "freely"
    NEVER = "never"
    IRREVERSIBLY = "irreversibly"
    MOVES = "moves data"


def one_way(before: Any, _after: Any) -> Mutability:
    """A switch that can only be turned on."""
    return Mutability.NEVER if before else Mutability.IRREVERSIBLY


class Loss(NamedTuple):
    """What a change loses, in words, and the fields that are the reason."""

    keys: tuple[str, ...]
    sentence: str


@dataclass(frozen=True)
class Field:
    name: str
    type: Type
    change: Mutability | Callable[[Any, Any], Mutability] = Mutability.FREELY
    api_level: int = 0
    # The server refuses or mixes up this change when another one comes with it.
    alone: bool = False
    # The server's name for it, where people know it by another one.
    key: str = ""
    # What the server makes of it where it is not written, if that depends on the rest.
    default: Callable[[Config, Context], Any] | None = None

    @property
    def stored(self) -> str:
        return self.key or self.name

    def value(self, config: Config) -> Any:
        """What the server does for this field, written or not."""
        return config.get(self.stored, self.type.absent)

    def reset(self, config: Config, around: Context) -> Any:
        """What it is when nobody writes it."""
        return self.default(config, around) if self.default else self.type.absent

    def changing(self, before: Any, after: Any) -> Mutability:
        return self.change if isinstance(self.change, Mutability) else self.change(before, after)


def keep_all(desired: Config, _actual: Config) -> Config:
    return desired


def no_loss(_found: Current, _after: Config, _around: Context) -> Iterator[Loss]:
    return iter(())


def no_objection(_after: Config, _around: Context) -> Iterator[str]:
    return iter(())


@dataclass(frozen=True)
class Resource:
    """One kind: its fields and what else makes it different from the others."""

    kind: str
    fields: tuple[Field, ...]
    # The option that names it, what a name may not have (and that in words), and how the server's own name begins.
    named: str = "name"
    forbidden: tuple[str, str] = (r"[\s.*>/\\]", "no spaces, dots, slashes or wildcards")
    prefix: str = ""
    # Fields of the stream beneath that follow from others: no options, but guarded.
    hidden: tuple[Field, ...] = ()
    # What a new one has where nothing is written.
    creates: Callable[[str], Config] = lambda _name: {}
    # What comes along with what is written, given what is there.
    completes: Callable[[Config, Config], Config] = keep_all
    # What the server would refuse, or carry out wrongly, of the result.
    objects: Callable[[Config, Context], Iterator[str]] = no_objection
    # What is lost when a found one gets another configuration.
    loses: Callable[[Current, Config, Context], Iterator[Loss]] = no_loss
    # What is lost when it is deleted, as a sentence.
    holds: Callable[[Current, Context], str | None] = lambda _found, _around: None
    # The same when it is made anew with a configuration, by a server of an API level; and the sequence that is put back then.
    loses_anew: Callable[[Current, Config, Context, int], str | None] | None = None
    resumes_at: Callable[[Current, Config, int], int | None] = lambda _found, _config, _level: None
    states: tuple[str, ...] = ("present", "absent")
    # Options of its further states.
    arguments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @cached_property
    def by_key(self) -> dict[str, Field]:
        return {entry.stored: entry for entry in self.fields}

    @cached_property
    def guarded(self) -> dict[str, Field]:
        return self.by_key | {entry.stored: entry for entry in self.hidden}

    def argument_spec(self) -> dict[str, dict[str, Any]]:
        return {entry.name: dict(entry.type.spec) for entry in self.fields}

    def parse(self, written: Mapping[str, Any], name: str) -> Config:
        """The fields that were written, as the server stores them."""
        config: Config = {}
        for entry in self.fields:
            if written.get(entry.name) is None:
                continue
            try:
                config[entry.stored] = entry.type.parse(written[entry.name])
            except NestedError as error:
                raise NatsError(f"{self.kind} {name}", f"{entry.name}{error}") from error
            except ValueError as error:
                raise NatsError(f"{self.kind} {name}", f"{entry.name}: {error}") from error
        return config

    def show(self, config: Config) -> Config:
        """A configuration as a person would write it: readable values, nothing the server keeps for itself."""
        known, shown = self.by_key, {}
        if self.prefix and config:
            shown[self.named] = config["name"].removeprefix(self.prefix)
        for key, value in config.items():
            entry = known.get(key)
            if entry is not None:
                shown[entry.name] = entry.type.show(value)
            elif not self.prefix:
                shown[key] = value
        if "metadata" in shown:
            own = {key: text for key, text in shown.pop("metadata").items() if not key.startswith("_nats.")}
            shown |= {"metadata": own} if own else {}
        return shown

    def checked(self, written: Mapping[str, Any], specs: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
        """The options of one entry of a list, which Ansible has not looked at."""
        try:
            return options(dict(specs), dict(written))
        except ValueError as error:
            raise NatsError(f"{self.kind} {written.get(self.named, '')}".rstrip(), str(error)) from error
