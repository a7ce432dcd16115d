# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The exit code of a command in a container."""

from __future__ import annotations

import json

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import exit_code


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"status": "Success"}, 0),
        ({"status": "Failure", "details": {"causes": [{"reason": "ExitCode", "message": "3"}]}}, 3),
        ({"status": "Failure", "message": "executable not found"}, "sh in pod p: executable not found."),
        ({"status": "Failure", "details": {"causes": [{"reason": "ExitCode"}]}}, "sh in pod p: it ended without"),
        (None, "sh in pod p: it ended without an exit code."),
    ],
)
def test_the_end_of_a_command(told, code):
    body = b"" if told is None else json.dumps(told).encode()
    if isinstance(code, int):
        assert exit_code(body, "sh in pod p") == code
    else:
        with pytest.raises(NatsError) as error:
            exit_code(body, "sh in pod p")
        assert str(error.value).startswith(code)
