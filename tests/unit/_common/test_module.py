# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results of a module contain no secret where people read them, and no control character; its files are for their owner."""

from __future__ import annotations

import json
import os
import stat

import pytest
from ansible.module_utils import basic

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.known_secrets import KNOWN_SECRETS
from ansible_collections.messaging.nats.plugins.module_utils._common.module import CollectionModule

SECRET = 'p%2Fa/b+c"d$é'
SPEC = {
    "objects": {"type": "list", "elements": "dict"},
    "secrets": {"type": "str", "no_log": True},
    "url": {"type": "str"},
}
SECRETS = json.dumps([{"kind": "Secret", "data": {"password": "aGlkZGVuLXBhc3N3b3Jk"}}])


@pytest.fixture
def run(monkeypatch, capsys):
    """The output of a module that Ansible runs with these arguments, and that ends with `end`."""

    def done(end, **params):
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": params}).encode())
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
        with pytest.raises(SystemExit), CollectionModule(SPEC, {}) as module:
            end(module)
        printed = capsys.readouterr().out
        return printed, json.loads(printed)

    return done


def test_sentences_have_no_known_secret(run):
    def end(module):
        KNOWN_SECRETS.add(SECRET)
        raise NatsError("what", f"it says {SECRET} and nats://u:other@h", "remedy\x1b[2J")

    printed, result = run(end)
    assert result["cause"] == "it says ******** and nats://u:********@h"
    assert result["remedy"] == "remedy\\x1b[2J"
    assert json.dumps(SECRET)[1:-1] not in printed


def test_a_line_break_in_a_name_makes_no_second_sentence(run):
    finding = {"object": "account A\nB", "evidence": "x\ry"}
    _printed, result = run(lambda module: module.exit_json(summary=["delete a\nb"], findings=[finding], page="a\nb"))
    assert result["summary"] == ["delete a\\nb"]
    assert result["findings"] == [{"object": "account A\\nB", "evidence": "x\\ry"}]
    assert result["page"] == "a\nb"


def test_differences_pages_and_arguments_have_no_known_secret(run):
    objects = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "p"},
            "spec": {"env": [{"name": "A", "value": SECRET}, {"name": "TOKEN", "value": "hidden-token"}]},
        }
    ]

    def end(module):
        KNOWN_SECRETS.add(SECRET)
        module.exit_json(
            diff={"before": {"a": SECRET}}, page=f"> {SECRET}", summary=[SECRET], secrets=objects, stream="\x9b\u202e"
        )

    _printed, result = run(end, objects=objects, url="nats://u:hidden-word@h", secrets=SECRETS)
    assert (result["diff"], result["page"], result["summary"]) == (
        {"before": {"a": "********"}},
        "> ********",
        ["********"],
    )
    # Secrets for a later task are not masked; that task hides them.
    assert result["secrets"] == objects
    assert result["stream"] == "\\x9b\\u202e"
    arguments = result["invocation"]["module_args"]
    assert arguments["objects"] == [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}]
    assert not any(word in json.dumps(arguments) for word in ("hidden-word", "aGlkZGVuLXBhc3N3b3Jk"))


def test_one_module_does_not_know_the_secrets_of_another(run):
    KNOWN_SECRETS.add("of-the-module-before")
    _printed, result = run(lambda module: module.exit_json(page="of-the-module-before"))
    assert result["page"] == "of-the-module-before"


def test_an_error_about_arguments_shows_no_secret(run):
    printed, result = run(lambda module: None, secrets=SECRETS, no_such="\x1b")
    assert "no_such" in result["msg"]
    assert "aGlkZGVuLXBhc3N3b3Jk" not in printed


@pytest.mark.parametrize("there", [None, 0o644])
def test_only_its_owner_may_read_a_file(run, tmp_path, there):
    target, made = tmp_path / "bundle.zip", tmp_path / "made"
    made.write_text("new")
    if there:
        target.write_text("old")
        target.chmod(there)

    def end(module):
        module.put_file(str(made), str(target))
        module.exit_json()

    before = os.umask(0o022)
    try:
        run(end)
    finally:
        os.umask(before)
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["bundle.zip"]


def test_a_failure_without_a_code_of_its_own_is_about_the_options_only_before_the_module_starts(run):
    _printed, refused = run(lambda module: module.exit_json(), no_such_option=1)
    assert (refused["code"], refused["remedy"]) == ("INVALID_OPTIONS", "Correct the options of the task.")
    assert "no_such_option" in refused["cause"]
    _printed, later = run(lambda module: module.fail_json(msg="a file could not be moved"))
    assert (later["code"], later["cause"], later["remedy"]) == ("UNEXPECTED", "a file could not be moved", "")
    _printed, again = run(lambda module: module.exit_json(), no_such_option=1)
    assert again["code"] == "INVALID_OPTIONS"
