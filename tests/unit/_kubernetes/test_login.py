# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The headers of a login that impersonates a user."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.login import impersonation


@pytest.mark.parametrize(
    ("given", "headers"),
    [
        ({}, ()),
        ({"impersonate_user": "u"}, (("Impersonate-User", "u"),)),
        (
            {"impersonate_user": "u", "impersonate_groups": ["a", "b"]},
            (("Impersonate-User", "u"), ("Impersonate-Group", "a"), ("Impersonate-Group", "b")),
        ),
        ({"impersonate_user": ""}, ()),
    ],
)
def test_each_group_is_a_header_of_its_own(given, headers):
    assert impersonation(given) == headers
