# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run every command of docs/verbs.md, one after the other, and compare what it prints with tests/screens.

The cluster is in namespace demo of the demo's kind, and is gone afterwards. With RECORD_SCREENS=1 the texts are recorded, in the page too.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._nats.connect import through

from .checks import CACHE, Check, report, run
from .screens import PAGE, difference, record

NAMESPACE, CLUSTER = "demo", "nats"
KIND = "messaging-nats-demo"
# A command in the page, and the name of the text that it prints.
COMMAND = re.compile(r"```console\n(?P<command>ansible-playbook [^\n]+)\n```\n\n<!-- screen (?P<name>[\w-]+) -->")
# The node in the page that the commands about nodes name.
NODE = "worker2"
STREAMS: dict[str, dict[str, Any]] = {
    "EVENTS": {"num_replicas": 3, "storage": "file"},
    "CACHE": {"num_replicas": 1, "storage": "memory"},
    "AUDIT": {"num_replicas": 1, "storage": "file"},
}
# Where the texts of the page have the streams with one replica; a server chooses where it creates one.
PLACES = {"CACHE": "nats-0", "AUDIT": "nats-2"}

# The commands that end in a refusal.
REFUSED = (
    "restart-refused",
    "restart-server-refused",
    "drain-refused",
    "wrong-variable",
    "no-kubeconfig",
    "missing-cluster",
    "no-node",
)


@dataclass(frozen=True)
class Demo:
    """The cluster of the page."""

    kubernetes: Kubernetes

    def ask(self, call: str, **body: Any) -> Mapping[str, Any]:
        with through(self.kubernetes, NAMESPACE, CLUSTER, "APP", 5) as connection:
            return connection.request(f"$JS.API.{call}", json.dumps(body).encode() if body else b"")

    def make_streams(self) -> None:
        for name, config in STREAMS.items():
            for _attempt in range(50):
                subjects = [f"{name.lower()}.>"]
                self.ask(f"STREAM.CREATE.{name}", name=name, subjects=subjects, **config)
                if self.leader(name) == PLACES.get(name, self.leader(name)):
                    break
                self.ask(f"STREAM.DELETE.{name}")
            else:
                raise AssertionError(f"stream {name} was never created on {PLACES[name]}")

    def fill_memory(self) -> None:
        """Stores messages in the stream that only the memory of one server has."""
        with through(self.kubernetes, NAMESPACE, CLUSTER, "APP", 5) as connection:
            for number in range(3):
                connection.request("cache.key", str(number).encode())

    def empty_memory(self) -> None:
        self.ask("STREAM.PURGE.CACHE")

    def lead(self, server: str) -> None:
        """Has this server lead stream EVENTS."""
        deadline = time.monotonic() + 60
        while self.leader("EVENTS") != server:
            self.ask("STREAM.LEADER.STEPDOWN.EVENTS", placement={"preferred": server})
            time.sleep(1)
            assert time.monotonic() < deadline

    def leader(self, stream: str) -> str:
        info = self.ask(f"STREAM.INFO.{stream}")
        return str((info.get("cluster") or {}).get("leader"))

    def node(self) -> str:
        """The node of the last server; empty while it has none."""
        pod = self.kubernetes.find(f"/api/v1/namespaces/{NAMESPACE}/pods/{CLUSTER}-2", "pod") or {"spec": {}}
        return str(pod["spec"].get("nodeName") or "")

    def remove(self) -> None:
        path = f"/api/v1/namespaces/{NAMESPACE}"
        if self.kubernetes.find(path, f"namespace {NAMESPACE}"):
            self.kubernetes.call("DELETE", path, f"namespace {NAMESPACE}", {})
        while self.kubernetes.find(path, f"namespace {NAMESPACE}"):
            time.sleep(1)


def before(demo: Demo) -> dict[str, Callable[[], None]]:
    """What has to be so before a command, for it to print what the page shows."""
    return {
        "deploy-nothing": demo.make_streams,
        "restart-server-refused": demo.fill_memory,
        "restart-server-check": lambda: demo.lead("nats-1"),
        "verify": demo.empty_memory,
        "rebalance": lambda: demo.lead("nats-0"),
    }


def checks(demo: Demo, folder: str) -> Iterator[Check]:
    prepare, node = before(demo), ""
    # Bundles and reports are written where the play is started.
    environment = os.environ | {"ANSIBLE_NOCOLOR": "1", "PWD": folder}
    for found in COMMAND.finditer(PAGE.read_text()):
        name, command = found["name"], found["command"]
        prepare.get(name, lambda: None)()
        # It stays the same node while its server waits for it.
        node = demo.node() if name == "drain-refused" else node
        started = time.monotonic()
        words = shlex.split(command.replace(NODE, node) if node else command)
        code, output = run(words, cwd=Path(folder), env=environment, show=False)
        print(f"--- {name} ({time.monotonic() - started:.1f} s)", flush=True)
        if bool(code) != (name in REFUSED):
            yield Check(name, f"exit code {code}\n{output[-3000:]}")
            return  # the others would print something else
        if os.environ.get("RECORD_SCREENS"):
            record(name, output)
        yield Check(name, difference(name, output))


def main() -> int:
    # Always the demo's own: the namespace is deleted.
    kubeconfig = os.environ["K8S_AUTH_KUBECONFIG"] = str(CACHE / "kind" / f"{KIND}.kubeconfig")
    demo = Demo(Kubernetes({"kubeconfig": kubeconfig}))
    demo.remove()
    try:
        with tempfile.TemporaryDirectory() as folder:
            found = list(checks(demo, folder))
    finally:
        demo.remove()
    return report("screens", found)


if __name__ == "__main__":
    sys.exit(main())
