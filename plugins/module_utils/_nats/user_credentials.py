# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Credentials of a user with an nkey: a seed, or a JWT with its seed. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError

try:
    from nats.aio.client import RawCredentials
except ImportError:
    HAS_NATS = False
else:
    HAS_NATS = True

CREDENTIALS = re.compile(r"BEGIN NATS USER JWT-+\s+(\S+)\s.*BEGIN USER NKEY SEED-+\s+(\S+)\s", re.DOTALL)
SEED = re.compile(r"S[ACNOUX][A-Z2-7]{50}")
CREDS = """-----BEGIN NATS USER JWT-----
{jwt}
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
{seed}
------END USER NKEY SEED------
"""


def login_arguments(creds: str | None, nkey_seed: str | None, jwt: str | None) -> dict[str, Any]:
    """The arguments of nats-py's connect; empty for a user without an nkey."""
    if creds:
        jwt, seed = _read_creds(creds)
        _check_seed("creds", seed)
        return {"user_credentials": RawCredentials(CREDS.format(jwt=jwt, seed=seed))}
    if not nkey_seed:
        return {}
    seed = nkey_seed.strip()
    _check_seed("nkey_seed", seed)
    if jwt:
        return {"user_credentials": RawCredentials(CREDS.format(jwt=jwt.strip(), seed=seed))}
    return {"nkeys_seed_str": seed}


def is_surely_a_path(creds: str) -> bool:
    """Whether the option holds a path, and nothing that could be a secret: no several lines, no seed, no JWT."""
    looks_like_one = "/" in creds or creds.endswith(".creds")
    return looks_like_one and "-----BEGIN" not in creds and "\n" not in creds and not SEED.search(creds)


def _read_creds(creds: str) -> tuple[str, str]:
    """JWT and seed of credentials, which are given as a path or as their content."""
    text = creds
    if "-----BEGIN" not in creds:
        try:
            with open(creds, encoding="utf-8") as file:
                text = file.read()
        except (OSError, UnicodeDecodeError) as error:
            cause = f"the file can't be read: {error}"
            raise NatsError("option creds", cause, "Give its path or its content.", code="FILE_NOT_READABLE") from error
    parts = CREDENTIALS.search(text)
    if parts is None:
        remedy = "Give a file that nsc made, or its content."
        raise NatsError("option creds", "it holds no JWT and seed", remedy, code="INVALID_VALUE")
    return parts[1], parts[2]


def _check_seed(option: str, seed: str) -> None:
    """Raises for an invalid seed, for which nats-py gives no message, or a traceback."""
    try:
        import nkeys

        nkeys.from_seed(bytearray(seed.encode()))
    except ImportError as error:
        cause = "the Python library nkeys is missing"
        raise NatsError(f"option {option}", cause, "Install it: pip install nkeys.", code="LIBRARY_MISSING") from error
    except (ValueError, nkeys.NkeysError) as error:
        cause = "nkey_seed is not a valid seed" if option == "nkey_seed" else "its seed is not valid"
        raise NatsError(f"option {option}", cause, "A user's seed begins with SU.", code="INVALID_VALUE") from error
