# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The permissions of a user by its role. Pure: talks to nobody. PRIVATE to the collection: it can change at any time.

All of them are built on `allow`, so that what is not named is denied; a `deny` beside an open `allow` leaves JetStream's API open.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

# The keys of a user that the role of nats_cluster evaluates.
PRESET_KEYS = ("role", "subjects", "streams")
ANY_STREAM = "*"
# The names that the server knows for the permissions of a user.
PERMISSION_KEYS = ("permissions", "permission", "authorization")
# Subjects of which some are the API of JetStream, the servers' own, or somebody's answers. Buckets begin with $KV and $O.
_RESERVED = re.compile(r"[>*]|\$JS\b|\$SYS\b|\$G\b|_INBOX|_R_|_GR_")
_STREAM = re.compile(r"[^\s.*>/\\]+")

Permissions = dict[str, dict[str, list[str]]]


# The subjects of each stream, at `{}`, to which a user of a role may publish.
CONSUMER_CALLS = (
    "$JS.API.STREAM.INFO.{}",
    "$JS.API.CONSUMER.INFO.{}.*",
    "$JS.API.CONSUMER.MSG.NEXT.{}.*",
    # With the domain and the account in them or not: both forms are in use. Their numbers of tokens keep one from being taken for the other.
    "$JS.ACK.{}.*.*.*.*.*.*",
    "$JS.ACK.*.*.{}.*.*.*.*.*.>",
    "$JS.FC.{}.*.*",
    "$JS.FC.*.*.{}.*.*",
)
INSPECTOR_CALLS = (
    "$JS.API.STREAM.INFO.{}",
    "$JS.API.CONSUMER.NAMES.{}",
    "$JS.API.CONSUMER.LIST.{}",
    "$JS.API.CONSUMER.INFO.{}.*",
)
MANAGER_CALLS = (
    *INSPECTOR_CALLS,
    *(f"$JS.API.STREAM.{call}.{{}}" for call in ("CREATE", "UPDATE", "DELETE", "PURGE")),
    "$JS.API.CONSUMER.CREATE.{}",
    "$JS.API.CONSUMER.CREATE.{}.>",
    *(f"$JS.API.CONSUMER.{call}.{{}}.*" for call in ("DELETE", "PAUSE", "RESET")),
)


def _publisher(subjects: list[str], _streams: list[str]) -> tuple[list[str], list[str]]:
    return subjects, []


def _consumer(subjects: list[str], streams: list[str]) -> tuple[list[str], list[str]]:
    """Reads from consumers that exist: it neither creates nor deletes one."""
    return _calls(CONSUMER_CALLS, streams), subjects


def _manager(_subjects: list[str], streams: list[str]) -> tuple[list[str], list[str]]:
    """Declares, purges and deletes streams, consumers and buckets. Who declares a consumer can have messages delivered to itself."""
    return [*_account_calls(streams), *_calls(MANAGER_CALLS, streams)], []


def _inspector(_subjects: list[str], streams: list[str]) -> tuple[list[str], list[str]]:
    """Sees configurations and figures, and no message."""
    return [*_account_calls(streams), *_calls(INSPECTOR_CALLS, streams)], []


def _calls(patterns: Iterable[str], streams: list[str]) -> list[str]:
    return [pattern.format(stream) for stream in streams for pattern in patterns]


def _account_calls(streams: list[str]) -> list[str]:
    """The lists of all streams have also those that are not named."""
    lists = ["$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST"] if ANY_STREAM in streams else []
    return ["$JS.API.INFO", *lists]


ROLES: Mapping[str, Callable[[list[str], list[str]], tuple[list[str], list[str]]]] = {
    "publisher": _publisher,
    "consumer": _consumer,
    "manager": _manager,
    "inspector": _inspector,
}


# What the user of the system account may ask as whom this collection looks at a cluster.
CHECKER_CALLS = (
    "$SYS.REQ.SERVER.PING",
    *(f"$SYS.REQ.SERVER.PING.{endpoint}" for endpoint in ("HEALTHZ", "JSZ", "RAFTZ", "ROUTEZ", "STATSZ", "VARZ")),
)


def inbox_prefix(user: Mapping[str, Any]) -> str:
    """The prefix of the subjects on which a user with a role gets answers, which no other such user may read; empty without a role."""
    name = user.get("user") or user.get("nkey")
    return f"_INBOX_{name}" if user.get("role") and name else ""


def with_permissions(user: Mapping[str, Any]) -> dict[str, Any]:
    """A user as nats.conf has it: with permissions in place of its role."""
    if "role" not in user:
        return dict(user)
    if user["role"] == "checker":
        return _limited(user, list(CHECKER_CALLS), [])
    everywhere = [ANY_STREAM] if user["role"] in ("manager", "inspector") else []
    publish, subscribe = ROLES[user["role"]](list(user.get("subjects") or []), list(user.get("streams") or everywhere))
    return _limited(user, publish, subscribe)


def _limited(user: Mapping[str, Any], publish: list[str], subscribe: list[str]) -> dict[str, Any]:
    permissions: Permissions = {
        # The server takes an empty `allow` for everything.
        "publish": {"allow": publish} if publish else {"deny": [">"]},
        "subscribe": {"allow": [*subscribe, f"{inbox_prefix(user)}.>"]},
    }
    return {key: value for key, value in user.items() if key not in PRESET_KEYS} | {"permissions": permissions}


def preset_problems(here: str, user: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the role of a user, as sentences that end in how to write it."""
    role = user.get("role")
    if "role" not in user:
        for key in ("subjects", "streams"):
            if key in user:
                yield f"{here}: {key} belong to a role: write role: {' | '.join(ROLES)} beside them, or permissions in place of them"
    elif not isinstance(role, str) or role not in ROLES:
        yield f"{here}: {role!r} is not a role: write one of {', '.join(ROLES)}"
    elif mistyped := [key for key in ("subjects", "streams") if not _is_list_of_texts(user.get(key))]:
        yield f"{here}: {mistyped[0]} are a list of texts: write {mistyped[0]}: [{'orders.>' if mistyped[0] == 'subjects' else 'ORDERS'}]"
    else:
        for key in user:
            if str(key).lower() in PERMISSION_KEYS:
                yield f"{here}: role and {key} exclude each other: write one of them"
        yield from _aim_problems(here, role, user)


def _aim_problems(here: str, role: str, user: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the subjects and streams that a role is about."""
    subjects, streams = user.get("subjects") or [], user.get("streams") or []
    if role == "publisher" and not subjects:
        yield f"{here}: a publisher without subjects could publish nothing: write subjects: [orders.>]"
    if role == "publisher" and streams:
        yield f"{here}: a publisher publishes to subjects, whatever stream stores them: leave streams out"
    if role == "consumer" and not (subjects or streams):
        yield f"{here}: a consumer reads from streams or subjects: write streams: [ORDERS], or subjects: [orders.>]"
    if role in ("manager", "inspector") and subjects:
        yield f"{here}: the role {role} is about streams: leave subjects out"
    for subject in subjects:
        if _RESERVED.match(subject):
            yield f"{here}: {subject!r} includes subjects of JetStream, of the servers or of others' answers: write subjects of applications, as in orders.>"
    for stream in streams:
        if stream != ANY_STREAM and not _STREAM.fullmatch(stream):
            yield f"{here}: {stream!r} is no name of a stream, and a part of a name can't be allowed: write whole names, or '*' for all streams"


def _is_list_of_texts(value: Any) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(entry, str) and entry for entry in value))
