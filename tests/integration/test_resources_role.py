# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role nats_resources in real plays against a real server: owners, kept and observed entries, patterns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def account(alone):
    return alone


@pytest.fixture
def role(tmp_path, account):
    """Runs the role with variables; what its last task returned, and everything that was printed."""

    def run(*flags, **variables):
        given = {f"nats_resources_{name}": value for name, value in variables.items()}
        task = {
            "ansible.builtin.include_role": {"name": "messaging.nats.nats_resources"},
            "vars": given | {"nats_resources_connection": account},
        }
        play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [task]}
        playbook = tmp_path / "play.yml"
        playbook.write_text(
            json.dumps([play | {"vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}}])
        )
        done = subprocess.run(
            [str(Path(sys.executable).with_name("ansible-playbook")), "--inventory=localhost,", *flags, str(playbook)],
            env=os.environ
            | {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json", "ANSIBLE_LOCAL_TEMP": str(tmp_path / "tmp")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        told = json.loads(done.stdout[done.stdout.index("{\n") :])
        (result,) = told["plays"][0]["tasks"][-1]["hosts"]["localhost"]["results"]
        return result, done.stdout + done.stderr

    return run


OURS = {
    "owner": "shop",
    "streams": [{"name": "SHOP_A"}, {"name": "SHOP_B", "manage": "keep"}],
    "kv": [{"bucket": "shop"}],
    "consumers": [{"stream": "SHOP_A", "name": "c"}],
    "part": 1,
    "prune": {"pattern": "*", "max": 5},
}


def test_a_shared_account(role, jetstream):
    def names():
        return sorted(jetstream("STREAM.NAMES")["streams"])

    def label(name):
        return (jetstream(f"STREAM.INFO.{name}")["config"].get("metadata") or {}).get("messaging.nats/owner")

    assert role(owner="billing", streams=[{"name": "BILLS"}])[0]["changed"] is True
    assert [role(*flags, **OURS)[0]["changed"] for flags in (("--check",), (), ())] == [True, True, False]
    assert {name: label(name) for name in names()} == {
        "BILLS": "billing",
        "KV_shop": "shop",
        "SHOP_A": "shop",
        "SHOP_B": "shop",
    }
    fewer = OURS | {"streams": [{"name": "SHOP_A"}, {"name": "BILLS", "max_msgs": 5, "manage": "observe"}]}
    result, printed = role("--diff", **fewer)
    assert names() == ["BILLS", "KV_shop", "SHOP_A"]
    assert "stream BILLS is only observed, and differs from its declaration: max_msgs is -1, declared 5" in printed
    assert result["resources"][1]["differences"] == {"max_msgs": {"actual": -1, "declared": 5}}
    matching = [{"pattern": "*", "kind": "stream", "set": {"max_msgs": 7}}]
    changes = [role(owner="shop", matching=matching)[0] for _time in range(2)]
    assert [change["changed"] for change in changes] == [True, False]
    assert changes[0]["matching"][0]["summary"] == "2 streams match *, 1 left out"
    assert jetstream("STREAM.INFO.SHOP_A")["config"]["max_msgs"] == 7
    assert jetstream("STREAM.INFO.BILLS")["config"]["max_msgs"] == -1
