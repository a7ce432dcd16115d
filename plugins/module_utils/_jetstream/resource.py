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
from ansible_collections.messaging.nats.plugins.module_utils._config.versions import LEVELS
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.field_types import NestedError, Type, options
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config

# The API level of the newest server that the tables know.
NEWEST_LEVEL = max(level for _version, level in LEVELS)


@dataclass(frozen=True)
class Current:
    """A resource as the server has it."""

    config: Config
    state: Mapping[str, Any] = field(default_factory=dict)
    # The rest of the server's answer, for example whether a consumer is paused.
    info: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Context:
    """The surroundings of a resource that decide about it: a consumer's stream, its other consumers, and the server."""

    stream: Mapping[str, Any] = field(default_factory=dict)
    consumers: tuple[Mapping[str, Any], ...] = ()
    # Up to 2.10.5 the server deletes messages above a new limit with `discard: new` too.
    trims_discard_new: bool = False
    # How many consumers of the stream the same declaration deletes.
    leaving: int = 0
    # Whether the configuration is the one of a new resource.
    creates: bool = False
    # The server's API level, and the limits of server and account that lower a default, by field, as far as they were read.
    level: int = NEWEST_LEVEL
    ceilings: Mapping[str, int] = field(default_factory=dict)


class Mutability(Enum):
    """Whether the server lets a field change after creation, and what the change does."""

    FREELY = "freely"
    NEVER = "never"
    IRREVERSIBLY = "irreversibly"
    MOVES = "moves data"


def one_way(before: Any, _after: Any) -> Mutability:
    """A switch that can only be turned on."""
    return Mutability.NEVER if before else Mutability.IRREVERSIBLY


class Loss(NamedTuple):
    """What a change loses, as the end of a sentence that begins with `would`, and the fields that are the reason."""

    keys: tuple[str, ...]
    sentence: str


class Refusal(NamedTuple):
    """A reason why a plan is not carried out: its code in docs/errors.md, and the sentences for a person."""

    code: str
    cause: str
    remedy: str


def invalid(cause: str, remedy: str) -> Refusal:
    """The reason for fields that the server would refuse, whatever it has."""
    return Refusal("INVALID_VALUE", cause, remedy)


class Ceiling(NamedTuple):
    """A limit of the server or the account, which no user can read: the server's error for a value above it, and the values it can have."""

    err_code: int
    least: int
    most: int


@dataclass(frozen=True)
class Field:
    name: str
    type: Type
    change: Mutability | Callable[[Any, Any], Mutability] = Mutability.FREELY
    api_level: int = 0
    # The API level that a server needs to change the field of an existing resource.
    change_level: int = 0
    # The server refuses this change, or carries it out wrongly, when another one comes with it.
    alone: bool = False
    # The server's name of the field, where the option has another one.
    key: str = ""
    # The server's default, where it depends on other fields, on the stream or on the server's limits.
    default: Callable[[Config, Context], Any] | None = None
    # The limit that lowers this default.
    ceiling: Ceiling | None = None
    # Whether the server's answer has the field also where it says nothing.
    echoed: bool = False

    @property
    def stored(self) -> str:
        return self.key or self.name

    def value(self, config: Config) -> Any:
        """The field's value in a configuration, or the value that the server uses where it is missing."""
        return config.get(self.stored, self.type.absent)

    def default_value(self, config: Config, context: Context) -> Any:
        """The value that the server gives the field where nobody writes it."""
        return self.default(config, context) if self.default else self.type.absent

    def mutability(self, before: Any, after: Any) -> Mutability:
        return self.change if isinstance(self.change, Mutability) else self.change(before, after)


def keep_all(desired: Config, _actual: Config) -> Config:
    return desired


def keep_nothing(_config: Config, _context: Context) -> Config:
    return {}


def no_loss(_found: Current, _after: Config, _context: Context) -> Iterator[Loss]:
    return iter(())


def no_objection(_after: Config, _context: Context) -> Iterator[Refusal]:
    return iter(())


@dataclass(frozen=True)
class Resource:
    """One kind: its fields, and the rules in which it differs from the others."""

    kind: str
    fields: tuple[Field, ...]
    # The option that names the resource, the characters that a name must not have (also in words), and the prefix of its stream's name.
    named: str = "name"
    forbidden: tuple[str, str] = (r"[\s.*>/\\]", "no spaces, dots, slashes or wildcards")
    prefix: str = ""
    # Fields of a bucket's stream that are no options and follow from others: a change of them is guarded too.
    hidden: tuple[Field, ...] = ()
    # The fields of the stream that a bucket is, and what the server's answer has beside fields; as it answers, so check mode shows it.
    stream_fields: tuple[Field, ...] = ()
    constants: Mapping[str, Any] = field(default_factory=dict)
    # What a new resource has where nothing is written.
    creates: Callable[[str], Config] = lambda _name: {}
    # What a new resource gets from its stream or its origin where nothing is written; the server would not set it by itself.
    inherits: Callable[[Config, Context], Config] = keep_nothing
    # The declared fields and those that follow from them, from the declared and the current configuration.
    completes: Callable[[Config, Config], Config] = keep_all
    # Why the resulting configuration is refused: the server would refuse it too, or carry it out wrongly.
    objects: Callable[[Config, Context], Iterator[Refusal]] = no_objection
    # What is lost when an existing resource gets another configuration.
    loses: Callable[[Current, Config, Context], Iterator[Loss]] = no_loss
    # What is lost when it is deleted, as the end of a sentence that begins with `would`.
    holds: Callable[[Current, Context], str | None] = lambda _found, _context: None
    # The same when it is recreated with a configuration by a server of an API level, and the sequence that is restored then.
    loses_recreated: Callable[[Current, Config, Context, int], str | None] | None = None
    resumes_at: Callable[[Current, Config, int], int | None] = lambda _found, _config, _level: None
    states: tuple[str, ...] = ("present", "absent")
    # Options of the states other than present and absent.
    arguments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    # Lists of which single entries can be added and removed.
    editable: tuple[str, ...] = ()

    @cached_property
    def by_key(self) -> dict[str, Field]:
        return {entry.stored: entry for entry in self.fields}

    @cached_property
    def guarded(self) -> dict[str, Field]:
        return self.by_key | {entry.stored: entry for entry in self.hidden}

    @cached_property
    def guarded_by_limits(self) -> dict[str, Ceiling]:
        """The fields whose default a limit of the server may lower."""
        fields = (*self.fields, *self.stream_fields)
        return {entry.stored: entry.ceiling for entry in fields if entry.ceiling}

    def argument_spec(self) -> dict[str, dict[str, Any]]:
        specs = {entry.name: dict(entry.type.spec) for entry in self.fields}
        if self.editable:
            lists = {name: specs[name] for name in self.editable}
            specs |= {option: {"type": "dict", "options": dict(lists)} for option in ("add", "remove")}
        return specs

    def parse(self, written: Mapping[str, Any], name: str) -> Config:
        """The fields that were written, as the server stores them."""
        config: Config = {}
        for entry in self.fields:
            if written.get(entry.name) is None:
                continue
            try:
                config[entry.stored] = entry.type.parse(written[entry.name])
            except NestedError as error:
                raise NatsError(f"{self.kind} {name}", f"{entry.name}{error}", code="INVALID_VALUE") from error
            except ValueError as error:
                raise NatsError(f"{self.kind} {name}", f"{entry.name}: {error}", code="INVALID_VALUE") from error
        return config

    def show(self, config: Config) -> Config:
        """A configuration as a person would write it: readable values, without the server's own metadata."""
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
        """The options of one entry of a list, which Ansible itself has not checked."""
        try:
            return options(dict(specs), dict(written))
        except ValueError as error:
            what = f"{self.kind} {written.get(self.named, '')}".rstrip()
            raise NatsError(what, str(error), code="INVALID_VALUE") from error
