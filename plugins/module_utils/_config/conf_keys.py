# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Keys of nats.conf that are written twice in different spellings, or that can't be written. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_writer import to_nats_conf
from ansible_collections.messaging.nats.plugins.module_utils._config.reload_rules import NAMES, main_name

LOGIN_ALIASES = {"pass": "password", "username": "user"}


def other_spellings(here: str, entry: Mapping[str, Any], known: tuple[str, ...]) -> Iterator[str]:
    """Other names, or other case, of the keys of a login: together with the role's own key, the server would find two logins."""
    for key in map(str, entry):
        name = LOGIN_ALIASES.get(key.lower(), key.lower())
        if name in known and key != name:
            yield f"{here}: {key} is another spelling of {name}, and the server would find both: write {name}"


def repeated_keys(here: str, data: Any, role_writes: Mapping[str, Any] | None = None, where: str = "") -> Iterator[str]:
    """Two spellings of one key, of which the server may use either."""
    if isinstance(data, list):
        for index, item in enumerate(data):
            yield from repeated_keys(f"{here}[{index}]", item, None, where)
    if not isinstance(data, Mapping):
        return
    has_chosen_names = where in NAMES or where.rpartition(".")[2] == "headers"
    first = {name: name for name in role_writes or ()}
    for key, value in data.items():
        name = str(key) if has_chosen_names else _main_name(str(key), where)
        if first.setdefault(name, str(key)) != str(key):
            yield f"{here}: {key} and {first[name]} are one key to the server, which takes either: write {first[name]} alone"
        inner = f"{where}.{'*' if has_chosen_names else name}" if where else name
        yield from repeated_keys(f"{here}.{key}", value, (role_writes or {}).get(name), inner)


def _main_name(key: str, where: str) -> str:
    return main_name(LOGIN_ALIASES.get(key.lower(), key.lower()), where)


def unwritable(here: str, data: Mapping[str, Any]) -> Iterator[str]:
    """One sentence for each key whose value nats.conf cannot hold."""
    for key, value in data.items():
        try:
            to_nats_conf({key: value})
        except ValueError as error:
            yield f"{here}: {error}"
