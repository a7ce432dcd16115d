# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `ansible-galaxy collection build` makes can be installed offline, and what is installed runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
SHIPPED = {"CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "COPYING", "LICENSES", "README.md", "REUSE.toml", "SECURITY.md"} | {
    *{"changelogs", "docs", "examples", "meta", "playbooks", "plugins", "requirements.txt", "roles"},
    *{"FILES.json", "MANIFEST.json"},
}
Ansible = Callable[..., str]


@pytest.fixture(scope="module")
def ansible(tmp_path_factory: pytest.TempPathFactory) -> Ansible:
    """Run one of Ansible's commands where only the installed collection can be found, and return its output."""
    home = tmp_path_factory.mktemp("home")
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "ANSIBLE_COLLECTIONS_PATH": str(home / "collections"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
    }

    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "WARNING" not in done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="module")
def tarball(ansible: Ansible, tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("build")
    ansible("ansible-galaxy", "collection", "build", str(CHECKOUT), "--output-path", str(where))
    (built,) = where.iterdir()
    return built


@pytest.fixture(scope="module")
def installed(ansible: Ansible, tarball: Path) -> str:
    ansible("ansible-galaxy", "collection", "install", str(tarball), "--offline")
    return "messaging.nats"


def test_only_what_users_need_is_shipped(tarball):
    with tarfile.open(tarball) as archive:
        assert {name.split("/", maxsplit=1)[0] for name in archive.getnames()} <= SHIPPED


def test_every_module_has_documentation(ansible, installed):
    modules = [path.stem for path in (CHECKOUT / "plugins" / "modules").glob("*.py")]
    for name in modules:
        documented = json.loads(ansible("ansible-doc", "--json", f"{installed}.{name}"))
        assert documented[f"{installed}.{name}"]["doc"]["collection"] == installed


def test_every_role_has_documentation(ansible, installed):
    roles = [path.name for path in (CHECKOUT / "roles").iterdir()]
    for name in roles:
        documented = json.loads(ansible("ansible-doc", "--json", "--type", "role", f"{installed}.{name}"))
        assert "main" in documented[f"{installed}.{name}"]["entry_points"]


@pytest.mark.parametrize("playbook", sorted(path.stem for path in (CHECKOUT / "playbooks").glob("*.yml")))
def test_every_playbook_can_be_called_by_its_name(ansible, installed, playbook):
    assert ansible("ansible-playbook", f"{installed}.{playbook}", "--syntax-check").startswith("\nplaybook: ")


def test_the_action_group_holds_the_modules_with_connection_options():
    runtime = yaml.safe_load((CHECKOUT / "meta" / "runtime.yml").read_text())
    modules = (CHECKOUT / "plugins" / "modules").glob("*.py")
    connecting = {path.stem for path in modules if "messaging.nats.connection" in path.read_text()}
    assert set(runtime["action_groups"]["nats"]) == connecting
