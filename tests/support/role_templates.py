# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects of the role nats_cluster as its templates make them, without a Kubernetes cluster."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROLE = Path(__file__).resolve().parents[2] / "roles" / "nats_cluster"
VARS = sorted((ROLE / "vars" / "main").glob("*.yml"))
RESULT = {
    "objects": "{{ __nats_cluster_templates }}",
    "secrets": "{{ __nats_cluster_secret_templates }}",
    "config": "{{ __nats_cluster_config_template }}",
}
PLAY = [
    {
        "hosts": "all",
        "gather_facts": False,
        "connection": "local",
        "tasks": [{"ansible.builtin.debug": {"msg": RESULT}}],
    }
]


def credentials(password: str) -> dict[str, Any]:
    hashed = {"password": password, "bcrypt": password}
    login = {"account": "APP", "username": "app", "secret": "nats-app", "own": True} | hashed
    system = login | {"account": "SYS", "username": "sys", "secret": "nats-sys"}
    checker = login | {
        "account": "SYS",
        "username": "sys.checker",
        "secret": "nats-sys-checker",
        "own": False,
        "inbox_prefix": "_INBOX_sys.checker",
    }
    routes = {"username": "routes", "password": password, "secret": "nats-routes"}
    return {"accounts": [login, system, checker], "routes": routes}


def render(folder: Path, hosts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """`objects`, `secrets` and `config` of each declaration: one play, in which each is a host with variables of its own."""
    (folder / "templates").symlink_to(ROLE / "templates")
    shared = {
        **yaml.safe_load((ROLE / "defaults" / "main.yml").read_text()),
        **{name: value for file in VARS for name, value in yaml.safe_load(file.read_text()).items()},
        "__nats_cluster_found": {"zones": {"enough": False}, "secrets": []},
        "__nats_cluster_restarted": "",
        "__nats_cluster_credentials": credentials("word"),
        # No certificate has a hostile name.
        "__nats_cluster_route_certificates": {"authority": {"tls.crt": "a", "tls.key": "b"}, "files": {"ca.crt": "c"}},
        # The whole of it is compared as data: its hash would be another one.
        "__nats_cluster_config": {"lame_duck_duration": "30s"},
        "__nats_cluster_config_secret": "nats-config-1",
    }
    (folder / "inventory.json").write_text(json.dumps({"all": {"vars": shared, "hosts": hosts}}))
    (folder / "play.yml").write_text(json.dumps(PLAY))
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "inventory.json", "play.yml"],
        cwd=folder,
        env=os.environ | {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json", "ANSIBLE_INVENTORY_ENABLED": "yaml"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    told = json.loads(done.stdout[done.stdout.index("{\n") :])
    return {host: result["msg"] for host, result in told["plays"][0]["tasks"][0]["hosts"].items()}
