# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The permissions that a role becomes, and what is wrong with a role. What they allow is tested against a real server."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._config.permission_presets import (
    ROLES,
    inbox_prefix,
    preset_problems,
    with_permissions,
)


def test_a_user_without_a_role_stays_as_it_is():
    user = {"user": "a", "permissions": {"publish": {"allow": ["a.>"]}}}
    assert with_permissions(user) == user
    assert inbox_prefix(user) == ""


def test_a_role_becomes_permissions_and_its_own_keys_go():
    user = {"user": "shop", "role": "publisher", "subjects": ["orders.>"], "allowed_connection_types": ["STANDARD"]}
    assert with_permissions(user) == {
        "user": "shop",
        "allowed_connection_types": ["STANDARD"],
        "permissions": {"publish": {"allow": ["orders.>"]}, "subscribe": {"allow": ["_INBOX_shop.>"]}},
    }
    assert inbox_prefix(user) == "_INBOX_shop"


def test_a_user_with_an_nkey_has_inboxes_of_that_name():
    user = {"nkey": "UA", "role": "publisher", "subjects": ["a"]}
    assert with_permissions(user)["permissions"]["subscribe"] == {"allow": ["_INBOX_UA.>"]}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("aim", [{}, {"subjects": ["a"]}, {"streams": ["S"]}])
def test_no_allow_is_empty_because_the_server_would_take_that_for_everything(role, aim):
    permissions = with_permissions({"user": "u", "role": role, **aim})["permissions"]
    assert all(part.get("allow") or part.get("deny") == [">"] for part in permissions.values())


def test_a_consumer_of_subjects_alone_publishes_nothing():
    permissions = with_permissions({"user": "u", "role": "consumer", "subjects": ["prices.>"]})["permissions"]
    assert permissions == {"publish": {"deny": [">"]}, "subscribe": {"allow": ["prices.>", "_INBOX_u.>"]}}


@pytest.mark.parametrize(
    ("user", "problem"),
    [
        ({}, None),
        ({"permissions": {}}, None),
        ({"role": "publisher", "subjects": ["a"]}, None),
        ({"role": "consumer", "streams": ["S"], "subjects": ["a"]}, None),
        ({"role": "manager"}, None),
        ({"role": "inspector", "streams": ["*"]}, None),
        ({"subjects": ["a"]}, "subjects belong to a role"),
        ({"role": "admin"}, "'admin' is not a role: write one of publisher, consumer, manager, inspector"),
        ({"role": None}, "None is not a role"),
        ({"role": ["publisher"]}, "is not a role"),
        ({"role": "manager", "permissions": {}}, "role and permissions exclude each other"),
        ({"role": "manager", "Permission": {}}, "role and Permission exclude each other"),
        *(
            ({"role": "publisher", "subjects": [subject]}, f"{subject!r} includes subjects of JetStream")
            for subject in (">", "*.orders", "$JS.API.>", "$SYS.REQ.>", "_INBOX.>", "_INBOX_other.>")
        ),
        ({"role": "publisher", "subjects": ["$KV.stock.>"]}, None),
        ({"role": "publisher"}, "write subjects: [orders.>]"),
        ({"role": "publisher", "subjects": []}, "write subjects: [orders.>]"),
        ({"role": "publisher", "subjects": "orders.>"}, "subjects are a list of texts"),
        ({"role": "publisher", "subjects": ["a"], "streams": ["S"]}, "leave streams out"),
        ({"role": "consumer"}, "a consumer reads from streams or subjects"),
        ({"role": "inspector", "subjects": ["a"]}, "the role inspector is about streams: leave subjects out"),
        ({"role": "manager", "streams": ["KV_*"]}, "'KV_*' is no name of a stream"),
        ({"role": "manager", "streams": [1]}, "streams are a list of texts"),
    ],
)
def test_what_is_wrong_with_a_role_is_said(user, problem):
    found = list(preset_problems("here", user))
    assert len(found) == (problem is not None)
    assert (problem or "") in "".join(found)
