# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from base64 import b64encode

import bcrypt
import pytest

from ansible_collections.messaging.nats.plugins.module_utils._config.credentials import (
    account_config,
    account_credentials,
    secret_name,
)

ACCOUNTS = {"APP": {"jetstream": {"max_file": 1}}, "SYS": {}}
OWN = {
    "APP": {},
    "SYS": {},
    "ORDERS": {
        "password": "correct horse",
        "users": [{"user": "reader", "permissions": {"publish": {"deny": ">"}}}, {"nkey": "UABC"}],
    },
}


def _secret(name, **data):
    return {
        "metadata": {"name": name},
        "data": {key: b64encode(value.encode()).decode() for key, value in data.items()},
    }


def _stored(credentials):
    logins = [*credentials["accounts"], credentials["routes"]]
    keys = ("username", "password", "bcrypt")
    # As the template writes them.
    return [_secret(login["secret"], **{key: login[key] for key in keys if key in login}) for login in logins]


@pytest.fixture(scope="module")
def generated():
    return account_credentials(ACCOUNTS, [], "nats")


@pytest.fixture(scope="module")
def own():
    return account_credentials(OWN, [], "nats")


def test_each_account_has_a_user_and_a_secret_named_like_it(generated):
    assert [(login["account"], login["username"], login["secret"]) for login in generated["accounts"]] == [
        ("APP", "app", "nats-app"),
        ("SYS", "sys", "nats-sys"),
        ("SYS", "sys.checker", "nats-sys-checker"),
    ]
    assert generated["routes"]["username"] == "routes"
    assert generated["routes"]["secret"] == "nats-routes"


def test_a_generated_password_has_256_bits_and_a_cheap_hash(generated):
    passwords = {login["password"] for login in [*generated["accounts"], generated["routes"]]}
    assert len(passwords) == 4
    assert {len(password) for password in passwords} == {43}
    for login in generated["accounts"]:
        assert login["bcrypt"].startswith("$2b$04$")
        assert bcrypt.checkpw(login["password"].encode(), login["bcrypt"].encode())


def test_stored_logins_are_kept(generated, own):
    assert account_credentials(ACCOUNTS, _stored(generated), "nats") == generated
    assert account_credentials(OWN, _stored(own), "nats") == own


def test_a_declared_password_has_a_costly_hash(own):
    login = next(login for login in own["accounts"] if login["username"] == "orders")
    assert login["password"] == "correct horse"
    assert login["bcrypt"].startswith("$2b$10$")


def test_a_declared_password_takes_the_stored_ones_place(generated):
    app = account_credentials({"APP": {"password": "mine"}}, _stored(generated), "nats")["accounts"][0]
    assert app["password"] == "mine"
    assert bcrypt.checkpw(b"mine", app["bcrypt"].encode())


@pytest.mark.parametrize("stored", ["", "no hash", "$2b$04$vAEAOrtqUOV5t5acZTbrQOctX/lJDZhIAFUNgrahtCuPdOqIx7ed6"])
def test_a_hash_of_another_password_is_replaced(stored):
    secret = _secret("nats-app", password="kept", bcrypt=stored)
    app = account_credentials({"APP": {}}, [secret], "nats")["accounts"][0]
    assert app["password"] == "kept"
    assert bcrypt.checkpw(b"kept", app["bcrypt"].encode())


@pytest.mark.parametrize("written", [b"", b"\xff\xfe", b"a\x00b"])
def test_a_stored_value_that_can_not_be_a_password_is_replaced(written):
    secret = {"metadata": {"name": "nats-app"}, "data": {"password": b64encode(written).decode()}}
    app = account_credentials({"APP": {}}, [secret], "nats")["accounts"][0]
    assert len(app["password"]) == 43
    assert bcrypt.checkpw(app["password"].encode(), app["bcrypt"].encode())


def test_a_password_may_be_longer_than_bcrypt_looks():
    long = "p" * 90
    app = account_credentials({"APP": {"password": long}}, [], "nats")["accounts"][0]
    assert (
        account_credentials({"APP": {"password": long}}, _stored({"accounts": [app], "routes": app}), "nats")[
            "accounts"
        ][0]
        == app
    )


def test_users_with_a_password_have_secrets_and_those_with_an_nkey_have_none(own):
    assert [login["secret"] for login in own["accounts"]][3:] == ["nats-orders", "nats-orders-reader"]


def test_the_servers_get_hashes_and_what_is_declared(own):
    hashes = {login["username"]: login["bcrypt"] for login in own["accounts"]}
    assert account_config(OWN, own["accounts"])["ORDERS"] == {
        "users": [
            {"user": "orders", "password": hashes["orders"]},
            {"user": "reader", "permissions": {"publish": {"deny": ">"}}, "password": hashes["reader"]},
            {"nkey": "UABC"},
        ]
    }
    assert account_config(ACCOUNTS, own["accounts"])["APP"]["jetstream"] == {"max_file": 1}


def test_who_only_looks_may_ask_and_is_answered_where_nobody_else_listens(generated):
    (checker,) = (
        user
        for user in account_config(ACCOUNTS, generated["accounts"])["SYS"]["users"]
        if user["user"] == "sys.checker"
    )
    publish, subscribe = (checker["permissions"][verb]["allow"] for verb in ("publish", "subscribe"))
    assert all(subject.startswith("$SYS.REQ.SERVER.PING") for subject in publish)
    assert not [subject for subject in publish if subject.endswith((">", "*", "RELOAD", "CONNZ", "KICK"))]
    assert subscribe == ["_INBOX_sys.checker.>"]
    assert generated["accounts"][2]["inbox_prefix"] == "_INBOX_sys.checker"


def test_only_the_chosen_logins_are_rotated(generated):
    def names(found):
        return [(login["username"], (login["next"] or {}).get("username")) for login in found["accounts"]]

    for rotated, expected in (
        (["app"], [("app", "app.2"), ("sys", None), ("sys.checker", None)]),
        (["sys"], [("app", None), ("sys", "sys.2"), ("sys.checker", "sys.checker.2")]),
        (["routes"], [("app", None), ("sys", None), ("sys.checker", None)]),
    ):
        found = account_credentials(ACCOUNTS, _stored(generated), "nats", rotated, "add")
        assert names(found) == expected
        assert found["routes"] == generated["routes"]
        switched = account_credentials(ACCOUNTS, _stored(generated), "nats", rotated, "switch")
        assert (switched["routes"] != generated["routes"]) == ("routes" in rotated)


def test_only_app_has_the_anonymous_user_and_only_on_request(generated):
    def users(anonymous):
        blocks = account_config(ACCOUNTS, generated["accounts"], anonymous)
        return {account: [user["user"] for user in block["users"]] for account, block in blocks.items()}

    assert users(anonymous=False) == {"APP": ["app"], "SYS": ["sys", "sys.checker"]}
    assert users(anonymous=True) == {"APP": ["app", "anonymous"], "SYS": ["sys", "sys.checker"]}


def test_the_name_of_a_secret_is_one_that_kubernetes_takes():
    assert secret_name("nats", "ORDERS_EU", "Reader_1") == "nats-orders-eu-reader-1"
