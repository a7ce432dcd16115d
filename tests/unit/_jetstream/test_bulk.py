# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of declarations, and the code of a task of which some failed."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.bulk import common_code, declared_resources
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.outcome import Outcome


def outcomes(*codes):
    items = declared_resources({"streams": [{"name": f"S{number}"} for number in range(len(codes))]}, {})
    errors = [NatsError("stream", "it failed", code=code) if code else None for code in codes]
    return [Outcome(item, error=error) for item, error in zip(items, errors, strict=True)]


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (["NOT_FOUND", None], "NOT_FOUND"),
        (["NOT_FOUND", "NOT_FOUND"], "NOT_FOUND"),
        (["NOT_FOUND", "TIMED_OUT"], "SEVERAL_FAILURES"),
    ],
)
def test_a_task_has_the_code_that_its_failed_resources_share(codes, expected):
    assert common_code(outcomes(*codes)) == expected


def test_one_invalid_entry_refuses_the_whole_declaration_with_a_code():
    with pytest.raises(NatsError, match="streams, entry 2") as raised:
        declared_resources({"streams": [{"name": "A"}, {"name": "B", "max_age": "x"}]}, {})
    assert raised.value.code == "INVALID_VALUE"
