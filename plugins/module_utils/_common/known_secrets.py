# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The secrets that a module has read, to be masked in everything that people read. PRIVATE to the collection: it can change at any time.

Masking by position (the key `password` of nats.conf, the data of a Secret) misses a secret that a server's error, a log line
or an event repeats. So the Kubernetes client records each Secret that it sends or receives here, and its values are replaced
in every text that is shown, in each spelling in which they are likely to appear.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from ansible_collections.messaging.nats.plugins.module_utils._common.masking import (
    MASK,
    names_a_secret,
    secrets_in_conf,
)

# The least length at which the value of a key named like a secret is masked, where it is a whole word.
MIN_PASSWORD_LENGTH = 4
# The least length for any other value of a Secret, and for a value in the middle of a word.
MIN_VALUE_LENGTH = 8
# Keys of Secrets whose values are not secret. Values of nats.conf are chosen by their keys instead.
PUBLIC_KEYS = frozenset({"username", "next_username", "previous_username", "url", "inbox_prefix"})


class KnownSecrets:
    """A set of secrets that can be masked in text and data."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._passwords: set[str] = set()
        self._values: set[str] = set()
        self._spellings: list[str] | None = None
        self._words: re.Pattern[str] | None = None
        self.add(*values)

    def add(self, *values: object) -> None:
        """Records passwords: they are masked from MIN_PASSWORD_LENGTH on."""
        self._record(self._passwords, values, MIN_PASSWORD_LENGTH)

    def add_object(self, item: Any) -> None:
        """Records the values of a Secret or a SecretList; ignores any other object."""
        if not isinstance(item, Mapping):
            return
        if item.get("kind") == "SecretList":
            for entry in item.get("items") or []:
                self.add_object({"kind": "Secret"} | entry)
        elif item.get("kind") == "Secret":
            for key, value in secret_data(item).items():
                if key.endswith(".conf"):
                    self.add(*secrets_in_conf(value))
                elif names_a_secret(key):
                    self.add(value)
                elif key not in PUBLIC_KEYS and not key.endswith(".crt"):
                    self._record(self._values, (value, *_passwords_in_json(value)), MIN_VALUE_LENGTH)

    def clear(self) -> None:
        self._passwords, self._values, self._spellings = set(), set(), None

    def masked(self, text: str) -> str:
        """The text with each spelling of each secret replaced."""
        if self._spellings is None:
            self._prepare()
        for spelling in self._spellings or ():
            text = text.replace(spelling, MASK)
        return self._words.sub(MASK, text) if self._words else text

    def masked_data(self, data: Any) -> Any:
        """The data with each secret replaced in all its texts, keys and numbers."""
        if isinstance(data, str):
            return self.masked(data)
        if isinstance(data, Mapping):
            return {self.masked_data(key): self.masked_data(value) for key, value in data.items()}
        if isinstance(data, list | tuple):
            return [self.masked_data(item) for item in data]
        if isinstance(data, int | float) and not isinstance(data, bool):
            return MASK if str(data) in self._passwords else data
        return data

    def _record(self, into: set[str], values: Iterable[object], min_length: int) -> None:
        for value in values:
            # Several threads may read Secrets at the same time and add to the same set.
            for text in (str(value), str(value).strip()):
                if len(text) >= min_length and text not in into:
                    into.add(text)
                    self._spellings = None

    def _prepare(self) -> None:
        every = self._passwords | self._values
        long = {text for text in every if len(text) >= MIN_VALUE_LENGTH}
        found = {spelling for text in every for spelling in _spellings(text) if spelling != text} | long
        found |= {line for text in long for line in text.splitlines() if len(line) >= 16 and not line.startswith("--")}
        # The longest comes first, because one secret may be a part of another.
        self._spellings = sorted((text for text in found if len(text) >= 6), key=len, reverse=True)
        short = [re.escape(text) for text in sorted(self._passwords - long, key=len, reverse=True)]
        self._words = re.compile(rf"(?<![A-Za-z0-9_])(?:{'|'.join(short)})(?![A-Za-z0-9_])") if short else None


# The secrets of the module that runs now. CollectionModule empties it when a module starts.
KNOWN_SECRETS = KnownSecrets()


def secret_data(item: Mapping[str, Any]) -> dict[str, str]:
    """The values of a Secret, decoded."""
    found = {}
    for key, value in (item.get("data") or {}).items():
        try:
            found[str(key)] = base64.b64decode(str(value)).decode(errors="replace")
        except (binascii.Error, ValueError):
            found[str(key)] = str(value)
    return found | {str(key): str(value) for key, value in (item.get("stringData") or {}).items()}


def _passwords_in_json(text: str) -> Iterator[str]:
    """The passwords in a Secret whose value is JSON, such as a registry's login."""
    if not text.lstrip().startswith("{"):
        return
    try:
        todo = [json.loads(text)]
    except ValueError:
        return
    while todo:
        for key, value in todo.pop().items():
            if isinstance(value, dict):
                todo.append(value)
            elif isinstance(value, str) and (names_a_secret(key) or key == "auth"):
                yield value


def _spellings(text: str) -> Iterator[str]:
    """The ways in which programs write a text: as JSON, in a URL, in HTML, or as base64, alone or as part of a longer text."""
    yield text
    for dumped in (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]):
        yield dumped
        yield json.dumps(dumped)[1:-1]
        yield json.dumps(dumped, ensure_ascii=False)[1:-1]
        yield html.escape(dumped)
    yield repr(text)[1:-1]
    yield text.replace("'", "''")
    yield html.escape(text)
    raw = text.encode(errors="surrogatepass")
    for written in (quote(raw, safe=""), quote(raw), quote_plus(raw), quote(raw, safe="!$&'()*+,;=:-._~")):
        yield written
        yield re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), written)
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(raw).decode()
        yield whole
        yield whole.rstrip("=")
        if len(raw) >= MIN_VALUE_LENGTH:
            for offset in range(3):
                # Its base64 in the middle of a longer text, without the characters at both ends that its neighbours influence.
                inside = encode(b"\0" * offset + raw).decode().rstrip("=")
                yield inside[(0, 2, 3)[offset] : len(inside) - (1 if (offset + len(raw)) % 3 else 0)]


# Keys of a kubeconfig whose values are secrets.
KUBECONFIG_SECRET_KEYS = {
    "token",
    "password",
    "client-key-data",
    "id-token",
    "refresh-token",
    "access-token",
    "client-secret",
}


def kubeconfig_secrets(kubeconfig: Any) -> set[str]:
    """The secret values of a kubeconfig that is given as a dictionary."""
    if isinstance(kubeconfig, list):
        return set().union(*map(kubeconfig_secrets, kubeconfig))
    if not isinstance(kubeconfig, dict):
        return set()
    own = {str(value) for key, value in kubeconfig.items() if key in KUBECONFIG_SECRET_KEYS and value}
    # The environment of an exec plugin, a list of names and values, may hold a login.
    env = {
        str(entry["value"]) for entry in kubeconfig.get("env") or () if isinstance(entry, dict) and entry.get("value")
    }
    return own.union(env, *map(kubeconfig_secrets, kubeconfig.values()))
