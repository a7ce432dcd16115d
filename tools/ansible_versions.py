# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sanity, all modules and every verb on kind with each ansible-core that the collection supports; writes docs/ansible-versions.md.

With K8S_AUTH_KUBECONFIG it uses that Kubernetes cluster, otherwise kind's of the demo. ANSIBLE_VERSIONS names some versions only, for a
try: the page is not written then. A verb is called by its playbook's name from the installed artifact, as a user would.
"""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from packaging.version import Version

from .checks import ROOT, Check, report, warnings
from .cores import (
    BUILD,
    CORES,
    Core,
    Installed,
    artifact,
    install,
    interpreters,
    logins_of,
    play,
    playing_field,
    python_of,
)
from .sanity import sanity

PAGE = ROOT / "docs" / "ansible-versions.md"
HEAD = "| ansible-core | Python | kubernetes.core | modules | verbs on kind | `ansible-test sanity` |"
OFFERED = re.compile(r"\b(\d+\.\d+)\.\d+\b")
CHANGED = re.compile(r"^localhost .*\bchanged=(\d+)", re.MULTILINE)
# Ansible's own words about a run without an inventory, and what kubernetes.core imports; the modules' play has neither.
HARMLESS = (
    r"No inventory was parsed|provided hosts list is empty|implicit localhost"
    r"|Importing '\w+' from 'ansible\.module_utils\._text'|Deprecation warnings can be disabled"
)


@dataclass(frozen=True)
class Verb:
    """A playbook with its arguments; where `changes` is given, whether it must report a change."""

    playbook: str
    arguments: tuple[str, ...] = ()
    changes: bool | None = None

    @property
    def name(self) -> str:
        return " ".join([self.playbook, *(argument for argument in self.arguments if argument.startswith("--"))])


RESOURCES = "-e=" + json.dumps(
    {
        "nats_resources_connection": {"kubernetes": {"namespace": "NAMESPACE"}},
        "nats_resources_streams": [{"name": "ORDERS", "subjects": ["orders.>"], "num_replicas": 3}],
    }
)
VERBS = (
    Verb("deploy", ("--check", "--diff"), changes=True),
    Verb("deploy", changes=True),
    Verb("deploy", changes=False),
    Verb("resources", (RESOURCES, "--check"), changes=True),
    Verb("resources", (RESOURCES,), changes=True),
    Verb("resources", (RESOURCES,), changes=False),
    Verb("verify"),
    Verb("status"),
    Verb("smoke"),
    Verb("report"),
    Verb("diagnose"),
    Verb("deploy", ("-e=nats_cluster_max_memory_store=128MB", "--check")),
    Verb("restart", changes=True),
    Verb("rebalance"),
    Verb("drain", ("-e=nats_cluster_node=NODE", "--check")),
    Verb("replace", ("-e=nats_cluster_server=nats-2",), changes=True),
    Verb("verify"),
    Verb("uninstall", ("-e=nats_cluster_delete_data=true", "--check")),
    Verb("uninstall", ("-e=nats_cluster_delete_data=true",), changes=True),
)


@dataclass
class Row:
    """What was found with one ansible-core."""

    core: Core
    version: str = ""
    python: str = ""
    kubernetes_core: str = ""
    modules: str = "not run"
    verbs: str = "not run"
    sanity: str = "not run"
    checks: list[Check] = field(default_factory=list)

    def __str__(self) -> str:
        cells = [self.version, self.python, self.kubernetes_core, self.modules, self.verbs, self.sanity]
        return f"| {' | '.join(cells)} |"


def offered() -> set[str]:
    """The minor versions of ansible-core that pip offers to this machine's newest Python, from the oldest that is supported."""
    python = interpreters()[max(interpreters(), key=Version)]
    command = [str(python), "-m", "pip", "index", "versions", "ansible-core", "--disable-pip-version-check"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = OFFERED.findall(done.stdout.partition("Available versions:")[2].partition("\n")[0])
    return {version for version in found if Version(version) >= Version(CORES[0].version)}


def unsupported(versions: Iterable[str]) -> list[Check]:
    """A version that users can install and nobody has tried."""
    missing = sorted(set(versions) - {core.version for core in CORES}, key=Version)
    sentence = "pip offers it, and it is not in CORES of tools/cores.py: add it with the Pythons that it runs on, and make it pass."
    return [Check(f"ansible-core {version}", sentence) for version in missing]


@functools.cache
def kubeconfig() -> str:
    """Of the Kubernetes cluster that the environment names, or of kind's that is brought up."""
    if named := os.environ.get("K8S_AUTH_KUBECONFIG"):
        return named
    cluster = str(ROOT / "tests" / "kind" / "cluster")
    subprocess.run([cluster, "up"], check=True)
    return subprocess.run([cluster, "kubeconfig"], capture_output=True, text=True, check=True).stdout.strip()


def node_of(installed: Installed, namespace: str) -> str:
    """Where the first server runs."""
    asked = (
        "import sys; from kubernetes import client, config; config.load_kube_config(sys.argv[1]);"
        " print(client.CoreV1Api().read_namespaced_pod('nats-0', sys.argv[2]).spec.node_name)"
    )
    command = [str(installed.venv / "bin" / "python"), "-c", asked, kubeconfig(), namespace]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def call(installed: Installed, verb: Verb, namespace: str) -> str:
    """What is wrong with a verb; nothing where it did what it should."""
    arguments = [argument.replace("NAMESPACE", namespace) for argument in verb.arguments]
    if any("NODE" in argument for argument in arguments):
        arguments = [argument.replace("NODE", node_of(installed, namespace)) for argument in arguments]
    command = ["ansible-playbook", f"messaging.nats.{verb.playbook}"]
    if verb.playbook != "resources":
        arguments += [f"-e=nats_cluster_namespace={namespace}", "-e=nats_cluster_profile=small"]
    started = time.monotonic()
    code, output = installed.ansible(*command, *arguments, K8S_AUTH_KUBECONFIG=kubeconfig())
    print(f"{installed.version}: {verb.name}: exit code {code}, {time.monotonic() - started:.1f} s", flush=True)
    with (installed.folder / "verbs").open("a") as log:
        log.write(f"\n=== {verb.name}\n{output}")
    if code:
        return f"exit code {code}\n{output[-4000:]}"
    if "Traceback" in output:
        return f"a traceback\n{output[-4000:]}"
    changed = sum(map(int, CHANGED.findall(output)))
    if verb.changes is not None and bool(changed) != verb.changes:
        return f"changed={changed}\n{output[-4000:]}"
    return warnings(output, harmless=HARMLESS)


def verbs(installed: Installed) -> list[Check]:
    """Every verb in a namespace of its own, which is left empty; after the first that fails only what cleans up."""
    namespace = f"{os.environ.get('ANSIBLE_VERSIONS_NAMESPACE', 'cores')}-{installed.core.version.replace('.', '-')}"
    checks = []
    failed = False
    for verb in VERBS:
        if failed and verb is not VERBS[-1]:
            checks.append(Check(f"{verb.name} with ansible-core {installed.version}", "not run"))
            continue
        problem = call(installed, verb, namespace)
        failed = failed or bool(problem)
        checks.append(Check(f"{verb.name} with ansible-core {installed.version}", problem))
    remove = (
        "import sys; from kubernetes import client, config; config.load_kube_config(sys.argv[1]);"
        " client.CoreV1Api().delete_namespace(sys.argv[2])"
    )
    command = [str(installed.venv / "bin" / "python"), "-c", remove, kubeconfig(), namespace]
    subprocess.run(command, capture_output=True, check=False)
    return checks


def counted(checks: list[Check], problem: str = "") -> str:
    passed = sum(not check.problem for check in checks)
    return f"{passed} passed" if passed == len(checks) and not problem else f"{passed} of {len(checks)} passed"


def examine(core: Core, number: int, servers: list[str], members: list[str]) -> Row:
    """The play, the verbs and sanity with one ansible-core."""
    row = Row(core, version=core.version)
    if not (python := python_of(core)):
        row.checks.append(
            Check(f"ansible-core {core.version}", f"this machine has no Python {' or '.join(core.pythons)}")
        )
        return row
    installed = install(core, newest=True)
    row.version, row.python, row.kubernetes_core = installed.version, python, installed.kubernetes_core

    started = time.monotonic()
    played = play(installed, BUILD / core.version / "play", servers, members, logins_of(number))
    row.modules = "failed" if played.problem else f"passed, {time.monotonic() - started:.0f} s"
    row.checks.append(played)

    of_verbs = verbs(installed)
    row.verbs = counted(of_verbs)
    row.checks += of_verbs

    of_sanity, problem = sanity(f"cores/{core.version}/sanity", installed.venv, python, show=False)
    row.sanity = counted(of_sanity, problem)
    row.checks += [Check(f"{check.name} with ansible-core {installed.version}", check.problem) for check in of_sanity]
    if problem and not any(check.problem for check in of_sanity):
        row.checks.append(Check(f"sanity with ansible-core {installed.version}", problem))
    print(row, flush=True)
    return row


def main() -> int:
    only = os.environ.get("ANSIBLE_VERSIONS", "").split()
    checks = unsupported(offered())
    artifact()
    rows = []
    with tempfile.TemporaryDirectory() as folder, playing_field(Path(folder)) as cluster:
        servers = [server.url for server in cluster.servers]
        for number, core in enumerate(CORES):
            if not only or core.version in only:
                rows.append(examine(core, number, servers, list(cluster.names())))
                checks += rows[-1].checks
    table = "\n".join([HEAD, "|---|---|---|---|---|---|", *map(str, rows)])
    if only:
        print(table)
    else:
        text = PAGE.read_text().partition("| ansible-core |")[0]
        PAGE.write_text(f"{text}{table}\n\nLast run: {date.today().isoformat()}.\n")
    return report("ansible-versions", checks)


if __name__ == "__main__":
    sys.exit(main())
