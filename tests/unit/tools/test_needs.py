# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest

from ansible_collections.messaging.nats.tools import needs


@pytest.mark.parametrize("script", [needs.CLUSTER, needs.BROWSER], ids=lambda path: path.name)
def test_the_scripts_that_are_asked_are_there(script):
    assert os.access(script, os.X_OK)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["sh", "-c", "echo first >&2; echo 'the cause' >&2; exit 1"], "the cause"),
        (["sh", "-c", "exit 3"], "exit code 3"),
        (["sh", "-c", "echo a note >&2"], ""),
    ],
)
def test_a_failure_is_told_by_its_last_line(command, told):
    assert needs._fails(command) == told
