# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module that runs in Ansible's own process tells what it tells in a process of its own. Real playbooks, a real server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
AT_HAND, APART = (
    "{{ ansible_playbook_python }}",
    "{{ ansible_playbook_python | dirname }}/./{{ ansible_playbook_python | basename }}",
)
# What is another each time.
MOMENTS = ("created", "ts", "seconds")


@pytest.fixture
def account(alone):
    return alone


@pytest.fixture
def play(tmp_path):
    """Runs tasks in a play of their own; the results of the last of them, and all that was printed."""

    def run(*tasks, interpreter=AT_HAND, flags=(), code=0, environment_of_ansible=None, **keywords) -> tuple[dict, str]:
        of_play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": list(tasks)} | keywords
        playbook = tmp_path / "play.yml"
        playbook.write_text(json.dumps([of_play | {"vars": {"ansible_python_interpreter": interpreter}}]))
        done = subprocess.run(
            [str(Path(sys.executable).with_name("ansible-playbook")), "--inventory=localhost,", *flags, str(playbook)],
            env=os.environ
            | {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json", "ANSIBLE_LOCAL_TEMP": str(tmp_path / "tmp")}
            | (environment_of_ansible or {}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "WARNING" not in done.stdout + done.stderr
        told = json.loads(done.stdout[done.stdout.index("{\n") :])
        return told["plays"][0]["tasks"][-1]["hosts"]["localhost"], done.stdout + done.stderr

    return run


def stream(account, **params):
    return {"messaging.nats.nats_stream": account | {"name": "S", "subjects": ["at.hand.>"]} | params}


def lasting(result):
    """A result without what is another each time."""
    if isinstance(result, dict):
        return {key: lasting(value) for key, value in result.items() if key not in MOMENTS}
    return [lasting(value) for value in result] if isinstance(result, list) else result


def test_every_module_runs_in_the_process_of_ansible(play):
    modules = sorted(path.stem for path in (PLUGINS / "modules").glob("*.py"))
    # None of them gets far without options, but each starts.
    tasks = [{f"messaging.nats.{module}": {"no_such_option": 1}, "ignore_errors": True} for module in modules]
    _result, printed = play(*tasks, flags=("-vvv",))
    assert printed.count('"code": "INVALID_OPTIONS"') == len(modules)
    assert "AnsiballZ_" not in printed


# What a strategy of Ansible does with each task before it forks.
LOADED = """
import sys
from ansible.plugins.loader import action_loader, init_plugin_loader
init_plugin_loader()
action_loader.get(f"messaging.nats.{sys.argv[1]}", class_only=True)
sys.exit("ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client" not in sys.modules)
"""


@pytest.mark.parametrize("module", ["nats_cluster_info", "nats_cluster_lease"])
def test_the_client_is_imported_before_ansible_forks_where_a_verb_begins(module):
    subprocess.run([sys.executable, "-c", LOADED, module], check=True)


@pytest.mark.parametrize(
    ("params", "flags", "code"),
    [
        ({}, (), 0),
        ({}, ("--check", "--diff"), 0),
        ({"max_age": "a while"}, (), 2),
        ({"max_consumers": 3, "no_such": 1}, (), 2),
        ({"name": "no.name"}, (), 2),
        ({"metadata": {"says": "{{ 'täxt' }} and 1", "number": "1"}}, ("--diff",), 0),
        ({"servers": ["nats://127.0.0.1:1"]}, (), 2),
    ],
)
def test_both_ways_tell_the_same(play, jetstream, account, params, flags, code):
    results = []
    for interpreter in (AT_HAND, APART):
        jetstream("STREAM.DELETE.S")
        result, printed = play(stream(account, **params), interpreter=interpreter, flags=(*flags, "-vvv"), code=code)
        assert ("AnsiballZ_nats_stream" in printed) == (interpreter == APART)
        assert account["password"] not in printed
        results.append(lasting(result))
    assert results[0] == results[1]
    assert bool(results[0].get("failed")) == bool(code)


# What another version of ansible-core may have changed, in Ansible's own process only: its modules' own processes work as ever.
SURPRISES = {
    "arguments are handed over elsewhere": "del basic._ANSIBLE_PROFILE",
    "arguments are read in another way": "basic._load_params = lambda: {}",
    "arguments cannot be read": "basic._load_params = fail",
    "arguments cannot be read, and it exits": "basic._load_params = lambda: sys.exit(1)",
    "a module cannot be made": "basic.AnsibleModule._set_internal_properties = fail",
    "a result cannot be returned": "basic.AnsibleModule._return_formatted = fail",
    "a result is not printed": "basic.AnsibleModule._record_module_result = lambda self, o: None",
    "a result is wrapped": "basic.AnsibleModule._record_module_result = lambda self, o: print(json.dumps({'of': o}))",
    "what a module is given is put together in another way": "ActionBase._update_module_args = once(ActionBase._update_module_args)",
    "an import is missing": "sys.modules['ansible_collections.messaging.nats.plugins.plugin_utils._in_process'] = None",
}
SURPRISE = """\
import json, sys
from ansible.module_utils import basic
from ansible.plugins.action import ActionBase
from ansible.plugins.callback import CallbackBase

def fail(*args, **named):
    raise TypeError("this version of ansible-core is another one")

def once(method):
    calls = []
    def changed(self, *args, **named):
        calls.append(1)
        return fail() if len(calls) == 1 else method(self, *args, **named)
    return changed

{change}

class CallbackModule(CallbackBase):
    CALLBACK_NAME = "surprise"
"""


@pytest.mark.parametrize("change", SURPRISES.values(), ids=SURPRISES)
def test_what_is_not_as_expected_has_a_module_run_in_the_ordinary_way(play, jetstream, account, tmp_path, change):
    (tmp_path / "surprise.py").write_text(SURPRISE.format(change=change))
    surprised = {"ANSIBLE_CALLBACK_PLUGINS": str(tmp_path), "ANSIBLE_CALLBACKS_ENABLED": "surprise"}
    told, printed = play(stream(account), flags=("-vvv",), environment_of_ansible=surprised)
    assert told["changed"]
    assert "AnsiballZ_nats_stream" in printed
    assert "another one" not in printed
    assert "config" in jetstream("STREAM.INFO.S")


def test_the_environment_of_a_task_is_that_of_its_module_and_of_no_other(play, account):
    login = {
        "NATS_URL": ",".join(account["servers"]),
        "NATS_USER": account["user"],
        "NATS_PASSWORD": account["password"],
    }
    task = {"messaging.nats.nats_stream": {"name": "{{ item }}", "subjects": ["{{ item }}"]}, "loop": ["A", "B"]}
    told, _printed = play(task, environment=login)
    assert [result["changed"] for result in told["results"]] == [True, True]
    told, _printed = play(task | {"environment": login}, task, code=2)
    assert ["NATS_URL" in result["msg"] for result in told["results"]] == [True, True]


def test_a_task_that_is_not_waited_for_runs_in_a_process_of_its_own(play, account, jetstream):
    waited = {"ansible.builtin.async_status": {"jid": "{{ begun.ansible_job_id }}"}, "register": "done"}
    until = {"until": "done is finished", "retries": 50, "delay": 0.2}
    told, _printed = play(stream(account) | {"async": 20, "poll": 0, "register": "begun"}, waited | until)
    assert (told["changed"], told["finished"]) == (True, True)
    assert "config" in jetstream("STREAM.INFO.S")


def test_a_secret_of_a_task_stays_one(play, account):
    told, printed = play(stream(account) | {"no_log": True}, flags=("-vvv",))
    assert "censored" in told
    assert account["password"] not in printed


def test_files_are_where_they_would_be(play, single, tmp_path):
    options = single.system()
    system = {"servers": list(options.servers), "user": options.user, "password": options.password}
    told, _printed = play({"messaging.nats.nats_report": system | {"expected_members": ["s1"], "path": "page.html"}})
    assert told["changed"]
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.html", "play.yml", "tmp"]
    assert list((tmp_path / "tmp").iterdir()) == []
