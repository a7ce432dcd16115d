# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module in Ansible's own process is run in the ordinary way after a surprise, and never when it may have changed something."""

from __future__ import annotations

import json
import os
import sys

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.module import CollectionModule
from ansible_collections.messaging.nats.plugins.plugin_utils._in_process import NotStartedError, Surroundings, run


def module():
    return CollectionModule({"name": {"type": "str", "required": True}}, {}, no_log=True)


def surprised_before():
    raise TypeError("before it has its arguments")


def surprised_after():
    module()
    raise TypeError("at work")


def refuses():
    with module():
        raise NatsError("stream S", "it is full", "Raise max_bytes.")


def given(name="S"):
    return Surroundings({"name": name} if name else {}, {"AT_HAND": "1"}, "/")


def test_what_a_module_prints_is_its_result():
    printed = run(lambda: module().exit_json(told=[os.environ["AT_HAND"], os.getcwd()]), given(), silent=True)
    assert (printed.code, json.loads(printed.stdout)["told"]) == (0, ["1", "/"])
    assert "AT_HAND" not in os.environ


@pytest.mark.parametrize(("main", "name"), [(refuses, "S"), (module, None)], ids=["a NatsError", "a missing option"])
def test_a_failure_is_a_result(main, name):
    printed = run(main, given(name), silent=True)
    assert printed.code == 1
    assert json.loads(printed.stdout)["failed"]


@pytest.mark.parametrize(
    "main", [surprised_before, lambda: sys.exit(1), lambda: None], ids=["an exception", "an exit", "nothing"]
)
def test_a_module_that_did_not_start_may_be_run_again(main):
    with pytest.raises(NotStartedError):
        run(main, given(), silent=True)


def test_a_module_that_started_is_not_run_again():
    with pytest.raises(TypeError, match="at work"):
        run(surprised_after, given(), silent=True)


def test_a_module_that_started_and_printed_nothing_is_not_run_again():
    assert run(module, given(), silent=True).stdout == ""
