# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The secrets that a module has read, and text without them. PRIVATE to the collection: it can change at any time.

Masking by place (the key `password` of nats.conf, the data of a Secret) misses a secret that a server's error, a log line
or an event repeats. So each Secret that passes through the Kubernetes client is noted here, and every text that is shown
has its values replaced in each spelling in which they are likely to appear.
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

# A value of a key that is named as a secret is masked from this length on, where it stands as a word of its own.
MIN_PASSWORD_LENGTH = 4
# Any other value of a Secret, and one in the middle of a word.
MIN_VALUE_LENGTH = 8
# Keys of Secrets whose values are no secrets; whole configurations are masked by their tree.
PUBLIC_KEYS = frozenset({"username", "url", "inbox_prefix"})


class KnownSecrets:
    """A set of secrets, and their spellings."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._passwords: set[str] = set()
        self._values: set[str] = set()
        self._spellings: list[str] | None = None
        self._words: re.Pattern[str] | None = None
        self.add(*values)

    def add(self, *values: object) -> None:
        """Values that are secrets, short ones too."""
        self._note(self._passwords, values, MIN_PASSWORD_LENGTH)

    def add_object(self, item: Any) -> None:
        """The values of a Secret, or of a list of them; nothing of what is none."""
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
                    self._note(self._values, (value, *_inside_json(value)), MIN_VALUE_LENGTH)

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
        """Every text in the data, keys and numbers included."""
        if isinstance(data, str):
            return self.masked(data)
        if isinstance(data, Mapping):
            return {self.masked_data(key): self.masked_data(value) for key, value in data.items()}
        if isinstance(data, list | tuple):
            return [self.masked_data(item) for item in data]
        if isinstance(data, int | float) and not isinstance(data, bool):
            return MASK if str(data) in self._passwords else data
        return data

    def _note(self, into: set[str], values: Iterable[object], shortest: int) -> None:
        for value in values:
            # Read once: threads that read Secrets at the same time add to the same set.
            for text in (str(value), str(value).strip()):
                if len(text) >= shortest and text not in into:
                    into.add(text)
                    self._spellings = None

    def _prepare(self) -> None:
        every = self._passwords | self._values
        long = {text for text in every if len(text) >= MIN_VALUE_LENGTH}
        found = {spelling for text in every for spelling in _spellings(text) if spelling != text} | long
        found |= {line for text in long for line in text.splitlines() if len(line) >= 16 and not line.startswith("--")}
        # The longest first: one may be a part of another.
        self._spellings = sorted((text for text in found if len(text) >= 6), key=len, reverse=True)
        short = [re.escape(text) for text in sorted(self._passwords - long, key=len, reverse=True)]
        self._words = re.compile(rf"(?<![A-Za-z0-9_])(?:{'|'.join(short)})(?![A-Za-z0-9_])") if short else None


# Of the module that runs now: CollectionModule empties it when one begins.
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


def _inside_json(text: str) -> Iterator[str]:
    """A Secret of a registry is JSON, with passwords in it."""
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
    """The ways in which programs write a text: as JSON, in a URL, in HTML, as base64, alone or inside of more."""
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
                # What it is in the middle of a longer text: without the characters that its neighbours have a part in.
                inside = encode(b"\0" * offset + raw).decode().rstrip("=")
                yield inside[(0, 2, 3)[offset] : len(inside) - (1 if (offset + len(raw)) % 3 else 0)]


# What a kubeconfig holds under these names is nobody's business.
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
    """The values of a kubeconfig, given as a dict, that are never shown."""
    if isinstance(kubeconfig, list):
        return set().union(*map(kubeconfig_secrets, kubeconfig))
    if not isinstance(kubeconfig, dict):
        return set()
    own = {str(value) for key, value in kubeconfig.items() if key in KUBECONFIG_SECRET_KEYS and value}
    # The environment of an exec plugin is a list of names and values, and may be a login.
    env = {
        str(entry["value"]) for entry in kubeconfig.get("env") or () if isinstance(entry, dict) and entry.get("value")
    }
    return own.union(env, *map(kubeconfig_secrets, kubeconfig.values()))
