# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the refusal of a configuration may show."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._operations.reload import _without_values


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            "config reload not supported for JetStreamKey: old=, new=S3cret",
            "config reload not supported for JetStreamKey",
        ),
        (
            'config reload not supported for LeafNode: field "Password": old=a\nb, new=S3cret',
            "config reload not supported for LeafNode",
        ),
        ("config reload not supported for jetstream storage directory",) * 2,
    ],
)
def test_a_refusal_shows_no_values(said, shown):
    assert _without_values(said) == shown
