# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials with an nkey are checked before a connection."""

from __future__ import annotations

import nkeys
import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._nats.user_credentials import (
    CREDS,
    is_surely_a_path,
    login_arguments,
)

SEED = nkeys.encode_seed(bytes(range(32)), nkeys.PREFIX_BYTE_USER).decode()


def test_a_seed_alone_and_with_a_jwt_are_two_arguments():
    assert login_arguments(None, None, None) == {}
    assert login_arguments(None, f" {SEED}\n", None) == {"nkeys_seed_str": SEED}
    assert list(login_arguments(None, SEED, "jwt")) == ["user_credentials"]


def test_credentials_are_a_path_or_their_content(tmp_path):
    content = CREDS.format(jwt="jwt", seed=SEED)
    path = tmp_path / "user.creds"
    path.write_text(content)
    assert login_arguments(str(path), None, None) == login_arguments(content, None, None)


@pytest.mark.parametrize(
    ("creds", "seed", "code", "cause"),
    [
        ("/none.creds", None, "FILE_NOT_READABLE", "the file can't be read"),
        ("-----BEGIN NATS USER JWT-----\n", None, "INVALID_VALUE", "it holds no JWT and seed"),
        (CREDS.format(jwt="jwt", seed="SU"), None, "INVALID_VALUE", "its seed is not valid"),
        (None, "SUxx", "INVALID_VALUE", "nkey_seed is not a valid seed"),
    ],
)
def test_what_can_not_be_used_is_refused(creds, seed, code, cause):
    with pytest.raises(NatsError) as error:
        login_arguments(creds, seed, None)
    assert error.value.code == code
    assert error.value.cause.startswith(cause)


@pytest.mark.parametrize(
    ("creds", "path"),
    [
        ("/home/orders/user.creds", True),
        ("user.creds", True),
        ("~/keys/orders", True),
        (SEED, False),
        (f"/tmp/{SEED}", False),
        ("eyJ0eXAiOiJKV1QifQ.eyJqdGkiOiJYIn0.c2ln", False),
        (CREDS.format(jwt="jwt", seed=SEED), False),
        ("secret", False),
    ],
)
def test_only_what_is_surely_a_path_is_shown(creds, path):
    assert is_surely_a_path(creds) == path
