# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A login that is replaced while its clients stay connected."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._config.login_rotation import (
    base_name,
    matches,
    names_and_hashes,
    rotated_login,
)

LOGIN: dict[str, Any] = {"account": "APP", "username": "app", "secret": "nats-app", "password": None}


def stored(login: dict[str, Any] | None) -> dict[str, str]:
    """What the Secret holds once the login is applied."""
    if login is None:
        return {}
    found = {key: login[key] for key in ("username", "password", "bcrypt")}
    for prefix in ("next", "previous"):
        found |= {f"{prefix}_{key}": value for key, value in (login.get(prefix) or {}).items()}
    return found


def names(login: dict[str, Any]) -> list[str]:
    return [name for name, _hash in names_and_hashes(login)]


def test_servers_know_both_until_nobody_uses_the_old_one():
    """Each stage is done twice, as by a play that was killed after it had applied the Secret."""
    login = rotated_login(LOGIN, {}, "keep")
    seen = []
    for stage in ("add", "add", "keep", "switch", "switch", "add", "keep", "drop", "drop", "keep"):
        login = rotated_login(LOGIN, stored(login), stage)
        seen.append((stage, login["username"], names(login)))
    both = ["app", "app.2"]
    assert seen == [
        *[("add", "app", both)] * 2,
        ("keep", "app", both),
        *[("switch", "app.2", both)] * 2,
        # Another rotation begins only when this one is over.
        ("add", "app.2", both),
        ("keep", "app.2", both),
        *[("drop", "app.2", ["app.2"])] * 2,
        ("keep", "app.2", ["app.2"]),
    ]
    assert names(rotated_login(LOGIN, stored(login), "add")) == ["app.2", "app.3"]


def test_the_hashes_stay_so_that_servers_need_not_reload():
    login = rotated_login(LOGIN, {}, "add")
    hashes = dict(names_and_hashes(login))
    for stage in ("keep", "switch", "keep"):
        login = rotated_login(LOGIN, stored(login), stage)
        assert dict(names_and_hashes(login)) == hashes
    assert matches(login["password"], hashes["app.2"])
    assert not matches(login["password"], hashes["app"])


def test_a_declared_password_is_never_rotated():
    declared = LOGIN | {"password": "mine"}
    login = rotated_login(declared, {}, "keep")
    for stage in ("add", "switch", "drop"):
        login = rotated_login(declared, stored(login), stage)
        assert (login["username"], login["password"], names(login)) == ("app", "mine", ["app"])
    # It takes the place of one that was generated and rotated before.
    before = stored(rotated_login(LOGIN, {"username": "app.3", "password": "x"}, "keep"))
    assert names(rotated_login(declared, before, "keep")) == ["app"]


@pytest.mark.parametrize(
    "written",
    [
        {"next_username": "app.2"},
        {"next_username": "app.2", "next_password": "x", "next_bcrypt": "not its hash"},
        {"next_username": "other.2", "next_password": "x", "next_bcrypt": ""},
        {"previous_username": "app"},
        {"previous_username": "other", "previous_bcrypt": "hash"},
        {"username": "other"},
    ],
)
def test_what_somebody_wrote_by_hand_adds_no_user(written):
    login = rotated_login(LOGIN, stored(rotated_login(LOGIN, {}, "keep")) | written, "keep")
    assert names(login) == ["app"]


@pytest.mark.parametrize(
    ("username", "base"),
    [("app", "app"), ("app.2", "app"), ("sys.checker", "sys.checker"), ("sys.checker.12", "sys.checker")],
)
def test_the_declared_name(username, base):
    assert base_name(username) == base
