# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys of an operator, its accounts and their users, and the JWTs that they sign."""

from __future__ import annotations

import base64
import json
import os
import time
from dataclasses import dataclass
from typing import Any

import nkeys

UNLIMITED = dict.fromkeys(("subs", "data", "payload", "imports", "exports", "conn", "leaf"), -1) | {"wildcards": True}


class Key:
    """A pair of keys of this kind."""

    def __init__(self, kind: int) -> None:
        self.seed: str = nkeys.encode_seed(os.urandom(32), kind).decode()
        self.pair = nkeys.from_seed(bytearray(self.seed.encode()))
        self.public: str = self.pair.public_key.decode()

    def jwt(self, subject: Key, name: str, **nats: Any) -> str:
        """What this key says of another one."""

        def part(value: Any) -> str:
            raw = value if isinstance(value, bytes) else json.dumps(value).encode()
            return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

        claims = {"jti": name, "iat": int(time.time()), "iss": self.public, "sub": subject.public, "name": name}
        text = f"{part({'typ': 'JWT', 'alg': 'ed25519-nkey'})}.{part(claims | {'nats': nats | {'version': 2}})}"
        return f"{text}.{part(self.pair.sign(text.encode()))}"


@dataclass
class Operated:
    """What servers of an operator are configured with, and the JWT and the seed of a user of account A."""

    configuration: dict[str, Any]
    jwt: str
    seed: str


def operated(**limits: Any) -> Operated:
    """An operator whose account A has these limits."""
    kinds = (
        nkeys.PREFIX_BYTE_OPERATOR,
        nkeys.PREFIX_BYTE_ACCOUNT,
        nkeys.PREFIX_BYTE_ACCOUNT,
        nkeys.PREFIX_BYTE_USER,
    )
    operator, system, account, user = (Key(kind) for kind in kinds)
    configuration = {
        "operator": operator.jwt(operator, "O", type="operator"),
        "system_account": system.public,
        "resolver": "MEMORY",
        "resolver_preload": {
            system.public: operator.jwt(system, "SYS", type="account", limits=UNLIMITED),
            account.public: operator.jwt(account, "A", type="account", limits=UNLIMITED | limits),
        },
    }
    return Operated(configuration, account.jwt(user, "U", type="user", subs=-1, data=-1, payload=-1), user.seed)
