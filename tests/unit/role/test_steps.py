# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which files of tasks the role includes for a plan, and what they get."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

VARS = Path(__file__).resolve().parents[3] / "roles" / "nats_cluster" / "vars" / "main" / "steps.yml"
PLAN = {
    "verb": "converge",
    "growth": {"claims": [], "replace": False},
    "missing_namespace": False,
    "apply": [],
    "apply_secrets": [],
    "apply_logins": [],
    "reload": False,
    "scale_in": [],
    "roll": [],
    "scale_out": [],
    "obsolete": [],
    "delete": [],
}
# It mounts no certificate.
POD = {"metadata": {"name": "nats-0"}, "spec": {"containers": [{"name": "nats"}]}}
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "nats-config-1", "namespace": "n"}}


@pytest.mark.parametrize(
    ("plan", "steps", "changes", "unread"),
    [
        ({"verb": "nothing"}, ["verify", "box"], [], []),
        ({"verb": "create", "missing_namespace": True}, ["namespace", "execute_plan", "verify", "box"], ["apply"], []),
        ({"reload": True}, ["execute_plan", "verify", "box"], ["reload"], []),
        (
            {"apply": ["x"], "roll": ["nats-2"], "obsolete": ["nats-config-1"]},
            ["execute_plan", "verify", "box"],
            ["apply", "roll", "remove"],
            [SECRET],
        ),
        ({"scale_in": ["nats-4"]}, ["execute_plan", "replan", "verify", "box"], ["scale_in"], []),
        ({"roll": ["nats-2"], "held_back": True}, ["execute_plan", "replan", "verify", "box"], ["roll"], []),
    ],
)
def test_only_what_is_needed_is_included(tmp_path, plan, steps, changes, unread):
    names = {"steps": "__nats_cluster_steps", "unread": "__nats_cluster_unread"}
    if plan.get("verb") != "nothing":
        names["changes"] = "__nats_cluster_changes"
    variables = {
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "nats_cluster_namespace": "n",
        "nats_cluster_state": "present",
        "nats_cluster_box": True,
        "__nats_cluster_restarts_one": False,
        "__nats_cluster_plan": PLAN | plan,
        "__nats_cluster_whole_config": {
            "cluster": {"tls": {"cert_file": "/tls/tls.crt"}} if plan.get("held_back") else {}
        },
        "__nats_cluster_found": {"running": {"config_secret": "nats-config-1", "pods": [POD]}, "secrets": []},
    }
    found = {key: f"{{{{ {name} }}}}" for key, name in names.items()}
    task = {"ansible.builtin.copy": {"dest": str(tmp_path / "found"), "content": found, "mode": "0600"}}
    play = {"hosts": "localhost", "gather_facts": False, "vars": variables, "vars_files": [str(VARS)], "tasks": [task]}
    (tmp_path / "play.json").write_text(json.dumps([play]))
    command = ["ansible-playbook", "--inventory=localhost,", "--connection=local", str(tmp_path / "play.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((tmp_path / "found").read_text()) == {
        "steps": steps,
        "unread": unread,
        **({"changes": changes} if "changes" in names else {}),
    }
