# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""nats.conf, Kubernetes objects and log lines without the secrets that their structure tells. PRIVATE to the collection: it can change at any time.

What is a secret is decided by the parsed tree: by the key that a value stands under, in any capitals and by any of the
server's names for it. Pure: talks to nobody. `_known_secrets` finds the values that are repeated elsewhere.
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
# Of nats.conf: encryption keys of JetStream and of its TPM, whose names don't say so.
_KEYS = frozenset({"key", "ek", "encryption_key", "prev_key", "prev_ek", "prev_encryption_key"})
# Whatever is below may be a login: HTTP headers of websocket connections.
_WHOLE_BLOCKS = frozenset({"headers"})
_SEED = re.compile(r"\bS[UANOCX][A-Z2-7]{56}\b")
# Up to the last @ of the word: passwords hold every character.
_USERINFO = re.compile(r"(\b[A-Za-z][\w+.-]*://)([^\s\"'<>`]*)@")
_ASSIGNED = re.compile(
    r"""["']?\b([A-Za-z_][\w-]*)["']?\s*[:=]\s*("(?:[^"\\]|\\.)*"|'[^'\n]*'|[^\s,;{}\[\]]+)""", re.IGNORECASE
)
_ENVIRONMENT_VALUE = re.compile(r"\.env\[(.*)\]\.value$")


def names_a_secret(key: str) -> bool:
    """Whether what stands under this name, of a key or an environment variable, is a secret, in any capitals."""
    words = re.split(r"[^a-z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).lower())
    return words[-1] in _SECRET_WORDS or words[-1].endswith(("password", "passphrase", "passwd"))


def masked_conf(configuration: str) -> str:
    """nats.conf without its secrets; without all of it where it is written in a way that can't be read here."""
    try:
        data = read_nats_conf(configuration)
        return to_nats_conf(_walk(data, lambda _value: MASK))
    except ValueError:
        count = len(configuration.splitlines())
        return f"# {count} lines, written in another way than this collection writes them, are not shown\n"


def secrets_in_conf(configuration: str) -> Iterator[str]:
    """The values that are secret in a nats.conf; as far as they can be found where it can't be read."""
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
    """The password or the token of a URL, as it is written and as it is meant."""
    _scheme, separator, rest = url.partition("://")
    login, at, _host = rest.rpartition("@")
    if separator and at:
        secret = login.partition(":")[2] or login
        yield from {secret, unquote(secret)}


def _walk(
    data: Any, secret: Callable[[Any], str], url: Callable[[str], None] = lambda _url: None, everything: bool = False
) -> Any:
    """The data with what is secret replaced."""
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
    return names_a_secret(key) or key.lower() in _KEYS


def masked_url(url: str) -> str:
    """A value that is a URL, or several: whatever stands before the last @ may be a password with any character."""
    scheme, separator, rest = url.partition("://")
    login, at, host = rest.rpartition("@")
    return f"{scheme}{separator}{_login(login)}@{host}" if separator and at else url


def masked_urls(text: str) -> str:
    """The logins in URLs are hidden: the password, and a token alone."""
    return _USERINFO.sub(lambda found: f"{found[1]}{_login(found[2])}@", text)


def _login(login: str) -> str:
    user, colon, _password = login.partition(":")
    return f"{user}:{MASK}" if colon and re.fullmatch(r"[\w.-]*", user) else MASK


def masked_log(text: str) -> str:
    """Lines that a server wrote: logins in URLs, seeds, and what is assigned to a name that means a secret."""

    def assigned(found: re.Match[str]) -> str:
        return found[0].replace(found[2], MASK) if names_a_secret(found[1]) else found[0]

    return _ASSIGNED.sub(assigned, _SEED.sub(MASK, masked_urls(text)))


def masked_object(item: Any) -> Any:
    """An object of Kubernetes, or a part of one, without what its structure tells to be secret."""
    if isinstance(item, Mapping):
        if item.get("kind") == "Secret":
            return _masked_secret(item)
        return {key: _masked_field(item, str(key), value) for key, value in item.items() if key != LAST_APPLIED}
    if isinstance(item, list | tuple):
        return [masked_object(entry) for entry in item]
    return _SEED.sub(MASK, masked_urls(item)) if isinstance(item, str) else item


def _masked_field(item: Mapping[str, Any], key: str, value: Any) -> Any:
    """A variable of the environment with a secret's name, or a field with one."""
    variable = key == "value" and isinstance(item.get("name"), str) and names_a_secret(item["name"])
    if isinstance(value, str) and value and (variable or names_a_secret(key)):
        return MASK
    return masked_object(value)


def _masked_secret(item: Mapping[str, Any]) -> dict[str, Any]:
    """Only the names of its keys; its annotations may hold all of it."""
    values = dict.fromkeys([*(item.get("data") or ()), *(item.get("stringData") or ())], MASK)
    metadata = {key: value for key, value in (item.get("metadata") or {}).items() if key != "annotations"}
    own = {key: value for key, value in item.items() if key not in ("data", "stringData")}
    return {key: masked_object(value) for key, value in own.items()} | {
        "metadata": masked_object(metadata),
        "data": values,
    }


def is_secret_path(path: str) -> bool:
    """Whether a change at this path of an object is a change of a secret."""
    found = _ENVIRONMENT_VALUE.search(path)
    return path.endswith(LAST_APPLIED) or bool(found and names_a_secret(found[1])) or names_a_secret(path)
