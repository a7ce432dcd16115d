# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Masks secrets in nats.conf, Kubernetes objects and log lines by the keys that they stand under. PRIVATE to the collection: it can change at any time.

Whether a value is a secret is decided by its key in the parsed tree, in upper or lower case and by any of the server's names
for that key. Pure: it does no I/O. `known_secrets` masks values that are repeated elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_reader import read_nats_conf
from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_writer import to_nats_conf

MASK = "********"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_SECRET_WORDS = ("pass", "passwd", "password", "passphrase", "secret", "token", "seed", "credential", "credentials")
# Keys of nats.conf for the encryption of JetStream, whose names don't say that they are secret.
_ENCRYPTION_KEYS = frozenset({"key", "ek", "encryption_key", "prev_key", "prev_ek", "prev_encryption_key"})
# Any value below these keys may be a login: HTTP headers of websocket connections.
_WHOLE_BLOCKS = frozenset({"headers"})
_SEED = re.compile(r"\bS[UANOCX][A-Z2-7]{56}\b")
# The login ends at the last @ of the word, because a password may contain one.
_USERINFO = re.compile(r"(\b[A-Za-z][\w+.-]*://)([^\s\"'<>`]*)@")
_ASSIGNED = re.compile(
    r"""["']?\b([A-Za-z_][\w-]*)["']?\s*[:=]\s*("(?:[^"\\]|\\.)*"|'[^'\n]*'|[^\s,;{}\[\]]+)""", re.IGNORECASE
)
_ENVIRONMENT_VALUE = re.compile(r"\.env\[(.*)\]\.value$")


def names_a_secret(key: str) -> bool:
    """Whether a key or an environment variable of this name holds a secret. Upper and lower case make no difference."""
    words = re.split(r"[^a-z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).lower())
    return words[-1] in _SECRET_WORDS or words[-1].endswith(("password", "passphrase", "passwd"))


def masked_conf(configuration: str) -> str:
    """nats.conf without its secrets. A configuration that this collection can't parse is left out entirely."""
    try:
        data = read_nats_conf(configuration)
        return to_nats_conf(_walk(data, lambda _value: MASK))
    except ValueError:
        count = len(configuration.splitlines())
        return f"# {count} lines, written in another way than this collection writes them, are not shown\n"


def secrets_in_conf(configuration: str) -> Iterator[str]:
    """The secret values of a nats.conf. Where it can't be parsed, those that a search by pattern finds."""
    try:
        data = read_nats_conf(configuration)
    except ValueError:
        for key, value in _ASSIGNED.findall(configuration):
            if _is_secret_key(key):
                yield value.strip("\"'")
        for url in re.findall(r"[A-Za-z][\w+.-]*://[^\"'\n]*@", configuration):
            yield from secrets_in_url(url)
        return
    found: list[str] = []

    def note(value: Any) -> str:
        found.append(str(value))
        return MASK

    _walk(data, note, lambda url: found.extend(secrets_in_url(url)))
    yield from found


def secrets_in_url(url: str) -> Iterator[str]:
    """The password or the token in a URL, percent-encoded as it is written and decoded."""
    _scheme, separator, rest = url.partition("://")
    login, at, _host = rest.rpartition("@")
    if separator and at:
        secret = login.partition(":")[2] or login
        yield from {secret, unquote(secret)}


def _walk(
    data: Any, secret: Callable[[Any], str], url: Callable[[str], None] = lambda _url: None, everything: bool = False
) -> Any:
    """The data with each secret value replaced by what `secret` returns; `url` is called with each URL in it."""
    if isinstance(data, Mapping):
        if set(data) == {"$env"}:
            return data
        return {
            key: _walk_value(str(key), value, secret, url, everything or str(key).lower() in _WHOLE_BLOCKS)
            for key, value in data.items()
        }
    if isinstance(data, list):
        return [_walk(item, secret, url, everything) for item in data]
    if everything or (isinstance(data, str) and _SEED.search(data)):
        return secret(data)
    if isinstance(data, str) and "://" in data:
        for part in data.split(","):
            url(part.strip())
        return masked_url(data)
    return data


def _walk_value(
    key: str, value: Any, secret: Callable[[Any], str], url: Callable[[str], None], everything: bool
) -> Any:
    if _is_secret_key(key) and not isinstance(value, Mapping):
        everything = True
    return _walk(value, secret, url, everything)


def _is_secret_key(key: str) -> bool:
    return names_a_secret(key) or key.lower() in _ENCRYPTION_KEYS


def masked_url(url: str) -> str:
    """A URL, or several with commas, without its login. All before the last @ is the login, because a password may contain one."""
    scheme, separator, rest = url.partition("://")
    login, at, host = rest.rpartition("@")
    return f"{scheme}{separator}{_masked_login(login)}@{host}" if separator and at else url


def masked_urls(text: str) -> str:
    """The text with the password, or the token, of each URL in it replaced."""
    return _USERINFO.sub(lambda found: f"{found[1]}{_masked_login(found[2])}@", text)


def _masked_login(login: str) -> str:
    user, colon, _password = login.partition(":")
    return f"{user}:{MASK}" if colon and re.fullmatch(r"[\w.-]*", user) else MASK


def masked_log(text: str) -> str:
    """Log lines without logins in URLs, nkey seeds, and values that are assigned to a name of a secret."""

    def assigned(found: re.Match[str]) -> str:
        return found[0].replace(found[2], MASK) if names_a_secret(found[1]) else found[0]

    return _ASSIGNED.sub(assigned, _SEED.sub(MASK, masked_urls(text)))


def masked_object(item: Any) -> Any:
    """A Kubernetes object, or a part of one, without the values whose names say that they are secret."""
    if isinstance(item, Mapping):
        if item.get("kind") == "Secret":
            return _masked_secret(item)
        return {key: _masked_field(item, str(key), value) for key, value in item.items() if key != LAST_APPLIED}
    if isinstance(item, list | tuple):
        return [masked_object(entry) for entry in item]
    return _SEED.sub(MASK, masked_urls(item)) if isinstance(item, str) else item


def _masked_field(item: Mapping[str, Any], key: str, value: Any) -> Any:
    """The value of a field; masked where the field, or the environment variable that it belongs to, is named like a secret."""
    variable = key == "value" and isinstance(item.get("name"), str) and names_a_secret(item["name"])
    if isinstance(value, str) and value and (variable or names_a_secret(key)):
        return MASK
    return masked_object(value)


def _masked_secret(item: Mapping[str, Any]) -> dict[str, Any]:
    """A Secret with the names of its keys only. Its annotations are left out, because they may hold a copy of it."""
    values = dict.fromkeys([*(item.get("data") or ()), *(item.get("stringData") or ())], MASK)
    metadata = {key: value for key, value in (item.get("metadata") or {}).items() if key != "annotations"}
    own = {key: value for key, value in item.items() if key not in ("data", "stringData")}
    return {key: masked_object(value) for key, value in own.items()} | {
        "metadata": masked_object(metadata),
        "data": values,
    }


def is_secret_path(path: str) -> bool:
    """Whether the field at this path of an object holds a secret."""
    found = _ENVIRONMENT_VALUE.search(path)
    return path.endswith(LAST_APPLIED) or bool(found and names_a_secret(found[1])) or names_a_secret(path)
