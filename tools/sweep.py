# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run every verb for real in each way in which Ansible shows and keeps things, and look for secrets in all of it.

A cluster with awkward secrets is deployed, changed, looked at, restarted, drained, and removed with its data, once for each
way of looking. What is printed, logged, written and left behind is searched for each secret: plain, as base64 (also inside
of more), as in a URL, as in JSON and as in HTML. The result goes to docs/secrets.md. With --look NAMESPACE, only the verbs
that change nothing run, on a cluster that is there.
"""

from __future__ import annotations

import argparse
import base64
import html
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from .checks import CACHE, ROOT, Check, report

PAGE = ROOT / "docs" / "secrets.md"
NAMESPACE = "secrets-sweep"
KIND = "messaging-nats-demo"
# Each of another kind, with characters that have a meaning in JSON, YAML, nats.conf, URLs, HTML, shells or templates.
DECLARED = {
    "APP's password": 'sweep-1 p%2F/+"$é<&>',
    "reader's password": "sweep-2 pa#ss@w/rd'\\",
    "reader's next password": "sweep-3 {x}%25?=中",
    "key of JetStream": "sweep-4+key/of=JetStream%",
    "login of a leaf node": "sweep-5-leaf+pass%word",
    "token of a leaf node": "sweep-6-leaf-token",
    "header of websockets": 'Bearer sweep-7"header/',
    "value in a Secret of its own": "sweep-8 value $HOME \u202e",
    "route password": "sweep-9 pa#ss@w/rd +%",
}
PUBLIC_KEYS = ("username", "next_username", "previous_username", "inbox_prefix", "url", "nats.conf", "host")


@dataclass(frozen=True)
class Way:
    """How a play is run and shown."""

    name: str
    flags: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    changes: bool = True


JSON = {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json", "ANSIBLE_DISPLAY_ARGS_TO_STDOUT": "1"}
WAYS = (
    Way("-v", ("-v",)),
    Way("-vvv --diff", ("-vvv", "--diff")),
    Way("JSON callback, -vvv --diff", ("-vvv", "--diff"), JSON),
    Way("--check --diff -vvv", ("--check", "--diff", "-vvv"), changes=False),
)


@dataclass(frozen=True)
class Step:
    """One verb with its variables; `fails` where it has to be refused."""

    verb: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    looks: bool = False
    fails: bool = False
    title: str = ""

    @property
    def name(self) -> str:
        return self.title or self.verb


def cluster(namespace: str, **more: Any) -> dict[str, Any]:
    """The declared cluster; its secrets are in every place where nats.conf and Kubernetes have them."""
    leaf, token = quote(DECLARED["login of a leaf node"], safe=""), quote(DECLARED["token of a leaf node"], safe="")
    return {
        "nats_cluster_namespace": namespace,
        "nats_cluster_profile": "small",
        "nats_cluster_resources": {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}},
        "nats_cluster_spread": "preferred",
        "nats_cluster_accounts": {
            "APP": {
                "password": DECLARED["APP's password"],
                "users": [{"user": "reader", "password": DECLARED["reader's password"]}],
            }
        },
        "nats_cluster_config": {
            "jetstream": {"cipher": "chachapoly", "key": DECLARED["key of JetStream"]},
            "leafnodes": {
                "remotes": [
                    {"url": f"nats-leaf://leaf:{leaf}@127.0.0.1:1", "account": "APP"},
                    {"url": f"nats-leaf://{token}@127.0.0.1:2", "account": "APP"},
                ]
            },
            "websocket": {"port": 8080, "no_tls": True, "headers": {"X-Sweep": DECLARED["header of websockets"]}},
        },
        "nats_cluster_overrides": {
            "StatefulSet": {
                "spec": {
                    "template": {
                        "spec": {
                            "containers": [
                                {"name": "nats", "env": [{"name": "SAME", "value": DECLARED["APP's password"]}]}
                            ]
                        }
                    }
                }
            }
        },
        "nats_cluster_extra_objects": [
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {
                    "name": "sweep",
                    "annotations": {
                        "kubectl.kubernetes.io/last-applied-configuration": json.dumps(
                            {"stringData": {"any": DECLARED["value in a Secret of its own"]}}
                        )
                    },
                },
                "stringData": {"any": DECLARED["value in a Secret of its own"]},
            }
        ],
        "nats_cluster_wait_timeout": 300,
        **more,
    }


def steps(variables: Mapping[str, Any], folder: Path) -> list[Step]:
    """Every verb, in an order in which each has something to do."""
    files = {"nats_cluster_bundle": str(folder / "bundle.zip"), "nats_cluster_report": str(folder / "report.html")}
    every = dict(variables) | files
    users = [{"user": "reader", "password": DECLARED["reader's next password"]}]
    changed = every | {"nats_cluster_accounts": every.get("nats_cluster_accounts", {}) | {"ORDERS": {"users": []}}}
    if "APP" in changed["nats_cluster_accounts"]:
        changed["nats_cluster_accounts"]["APP"] = changed["nats_cluster_accounts"]["APP"] | {"users": users}
    config = dict(every.get("nats_cluster_config", {}))
    refused = every | {"nats_cluster_config": config | {"no_such_key": DECLARED["APP's password"]}}
    doubled = every | {"nats_cluster_accounts": {"APP": {"users": [{"user": "a", "Pass": DECLARED["APP's password"]}]}}}
    login = {"user": "app", "password": DECLARED["APP's password"], "servers": ["nats://127.0.0.1:1"]}
    streams = {"nats_resources_streams": [{"name": "SWEEP", "subjects": ["sweep.>"]}]}
    target = {"nats_resources_connection": {"kubernetes": {"namespace": every["nats_cluster_namespace"]}}}
    server = {"nats_cluster_server": "nats-1"}
    return [
        Step("deploy", every, title="deploy, the first time"),
        Step("deploy", every, looks=True, title="deploy, nothing to do"),
        Step("deploy", changed, title="deploy, another password and account"),
        Step("deploy", refused, looks=True, fails=True, title="deploy, refused by the server"),
        Step("deploy", doubled, looks=True, fails=True, title="deploy, refused by preflight"),
        *(Step(verb, changed, looks=True) for verb in ("verify", "status", "smoke", "diagnose", "report", "rebalance")),
        Step("resources", {**streams, **target}, title="resources"),
        Step(
            "resources", {**streams, "nats_resources_connection": login}, fails=True, title="resources, nobody answers"
        ),
        Step("restart", changed),
        Step("replace", changed | server),
        Step("uninstall", changed),
        Step("deploy", changed, title="deploy, on kept volumes"),
        Step("uninstall", changed | {"nats_cluster_delete_data": True}, title="uninstall, with the data"),
    ]


@dataclass
class Found:
    """Where which secret was found, in which spelling."""

    step: str
    way: str
    where: str
    secret: str
    spelling: str

    def __str__(self) -> str:
        return f"{self.step} ({self.way}): {self.secret} {self.spelling} in {self.where}"


def spellings(secret: str) -> dict[str, str]:
    raw = secret.encode()
    dumped = json.dumps(secret)[1:-1]
    found = {
        "plain": secret,
        "in base64": base64.b64encode(raw).decode().rstrip("="),
        "in base64 for URLs": base64.urlsafe_b64encode(raw).decode().rstrip("="),
        "in a URL": quote(secret, safe=""),
        "in a URL's path": quote(secret),
        "in a form": quote_plus(secret),
        "in JSON": dumped,
        "in JSON with all characters": json.dumps(secret, ensure_ascii=False)[1:-1],
        "in JSON in JSON": json.dumps(dumped)[1:-1],
        "in HTML": html.escape(secret),
        "in Python": repr(secret)[1:-1],
    }
    if len(raw) >= 12:
        for offset in (1, 2):
            inside = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
            found[f"inside of base64, at {offset}"] = inside[offset + 1 : -2]
    return found


class Sweep:
    def __init__(self, kubeconfig: str, namespace: str, folder: Path) -> None:
        self.namespace, self.folder = namespace, folder
        self.found: list[Found] = []
        self.outcomes: dict[tuple[str, str], str] = {}
        self._kubeconfig = kubeconfig
        self._secrets = dict(DECLARED)

    def kubectl(self, *arguments: str, text: str = "") -> str:
        """On the control plane: kubectl is no tool of this repository."""
        command = [
            "docker",
            "exec",
            "-i",
            f"{KIND}-control-plane",
            "kubectl",
            "--kubeconfig",
            "/etc/kubernetes/admin.conf",
        ]
        done = subprocess.run([*command, *arguments], input=text, capture_output=True, text=True, check=False)
        return done.stdout

    def learn(self) -> None:
        """What is in the Secrets now: generated passwords and hashes too."""
        listed = self._secrets_of_the_namespace()
        for item in listed:
            for key, value in (item.get("data") or {}).items():
                text = base64.b64decode(value).decode(errors="replace")
                if key not in PUBLIC_KEYS and not key.endswith(".crt") and len(text) >= 8:
                    self._secrets[f"Secret {item['metadata']['name']}, {key}"] = text

    def _secrets_of_the_namespace(self) -> list[dict[str, Any]]:
        program = (
            "import json, sys; from kubernetes import client, config; config.load_kube_config(sys.argv[1]); "
            "api = client.ApiClient(); print(json.dumps(api.sanitize_for_serialization("
            "client.CoreV1Api(api).list_namespaced_secret(sys.argv[2]).items)))"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, self._kubeconfig, self.namespace],
            capture_output=True,
            text=True,
            check=False,
        )
        listed: list[dict[str, Any]] = json.loads(done.stdout or "[]")
        return listed

    def run(self, step: Step, way: Way) -> None:
        place = Path(tempfile.mkdtemp(dir=self.folder))
        variables = place / "variables.json"
        variables.write_text(json.dumps(step.variables))
        variables.chmod(0o600)
        environment = {
            **os.environ,
            **way.env,
            "K8S_AUTH_KUBECONFIG": self._kubeconfig,
            "ANSIBLE_LOG_PATH": str(place / "ansible.log"),
            "ANSIBLE_KEEP_REMOTE_FILES": "1",
            "ANSIBLE_LOCAL_TEMP": str(place / "local"),
            "ANSIBLE_REMOTE_TEMP": str(place / "remote"),
            "ANSIBLE_NOCOLOR": "1",
        }
        command = ["ansible-playbook", "--inventory=localhost,", f"messaging.nats.{step.verb}", *way.flags]
        started = time.monotonic()
        done = subprocess.run(
            [*command, f"--extra-vars=@{variables}"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        variables.unlink()
        (place / "output").write_text(done.stdout)
        (place / "errors").write_text(done.stderr)
        self.learn()
        found = list(self._look(step, way, place))
        self.found += found
        as_it_should = bool(done.returncode) == (step.fails and not (way.changes is False and step.verb == "resources"))
        outcome = "shown: " + ", ".join(sorted({hit.secret for hit in found})) if found else "clean"
        if not as_it_should and (way.changes or step.looks):
            outcome = f"ended with {done.returncode}" if not found else outcome
            print(done.stdout[-1500:], done.stderr[-1500:])
        self.outcomes[step.name, way.name] = outcome
        print(f"{way.name:28} {step.name:40} {time.monotonic() - started:6.1f} s  {outcome}", flush=True)
        for hit in found[:20]:
            print(f"  {hit}", flush=True)
        if not found:
            shutil.rmtree(place)

    def _look(self, step: Step, way: Way, place: Path) -> Iterator[Found]:
        wanted = {
            (name, spelling): form
            for name, secret in self._secrets.items()
            for spelling, form in spellings(secret).items()
        }
        for where, text in texts(place):
            for (name, spelling), form in wanted.items():
                if form in text:
                    yield Found(step.name, way.name, where, name, spelling)
        files = [
            Path(str(path))
            for key, path in step.variables.items()
            if key in ("nats_cluster_bundle", "nats_cluster_report")
        ]
        for path in files:
            if path.exists():
                if path.stat().st_mode & 0o777 != 0o600:
                    yield Found(step.name, way.name, path.name, "mode", oct(path.stat().st_mode & 0o777))
                for where, text in texts(path):
                    for (name, spelling), form in wanted.items():
                        if form in text:
                            yield Found(step.name, way.name, where, name, spelling)
                path.unlink()


def texts(path: Path) -> Iterator[tuple[str, str]]:
    """Each file below, and each file of an archive; a packed module too, whose archive is in it as base64."""
    if path.is_dir():
        for below in sorted(path.rglob("*")):
            if below.is_file():
                yield from texts(below)
        return
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield f"{path.name}/{name}", name + archive.read(name).decode(errors="replace")
        return
    yield path.name, path.read_text(errors="replace")


def rotate_routes(sweep: Sweep) -> None:
    """A password of the routes that somebody chose, before the first deploy: it comes from the Secret alone."""
    data = {"username": "routes", "password": DECLARED["route password"]}
    labels = {"app.kubernetes.io/instance": "nats", "app.kubernetes.io/managed-by": "messaging.nats"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": sweep.namespace}}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/basic-auth",
        "metadata": {"name": "nats-routes", "namespace": sweep.namespace, "labels": labels},
        "stringData": data,
    }
    for item in (namespace, secret):
        sweep.kubectl("create", "-f", "-", text=json.dumps(item))


def write_page(sweep: Sweep, done: Sequence[str], seconds: float) -> None:
    names = list(dict.fromkeys(step for step, _way in sweep.outcomes))
    rows = [f"| {'verb'} | {' | '.join(f'`{way}`' if way.startswith('-') else way for way in done)} |"]
    rows.append("|---" * (len(done) + 1) + "|")
    for name in names:
        rows.append(f"| {name} | {' | '.join(sweep.outcomes.get((name, way), '') for way in done)} |")
    head = PAGE.read_text().partition("## The last sweep")[0]
    told = f"{date.today()}, {len(sweep.outcomes)} plays in {seconds / 60:.0f} min, {len(sweep._secrets)} secrets."
    PAGE.write_text(f"{head}## The last sweep\n\n{told}\n\n" + "\n".join(rows) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--look", metavar="NAMESPACE", help="only the verbs that change nothing, on the cluster there")
    parser.add_argument("--way", type=int, choices=range(len(WAYS)), help="only one of the ways")
    parser.add_argument(
        "--steps", metavar="TEXT", default="", help="only the steps with this in their names; the cluster stays"
    )
    options = parser.parse_args()
    kubeconfig = os.environ.get("K8S_AUTH_KUBECONFIG") or str(CACHE / "kind" / f"{KIND}.kubeconfig")
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sweep-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        sweep = Sweep(kubeconfig, options.look or NAMESPACE, folder)
        sweep.learn()
        done = []
        every = WAYS[2:] if options.look else WAYS
        for way in every if options.way is None else (WAYS[options.way],):
            done.append(way.name)
            variables = {"nats_cluster_namespace": options.look} if options.look else cluster(NAMESPACE)
            planned = steps(variables, folder)
            if options.steps:
                planned = [step for step in planned if options.steps in step.name]
            elif options.look:
                planned = [
                    step
                    for step in planned
                    if step.looks and not step.fails and step.verb not in ("smoke", "rebalance")
                ]
            elif not way.changes:
                # What is there is looked at, and what is not there is planned.
                rotate_routes(sweep)
                sweep.run(planned[0], way)
                sweep.run(planned[0], WAYS[0])
            else:
                rotate_routes(sweep)
            for step in planned[not way.changes and not options.look and not options.steps :]:
                sweep.run(step, way)
        if not options.look and not options.steps:
            sweep.run(steps(cluster(NAMESPACE), folder)[-1], WAYS[0])
            sweep.kubectl("delete", "namespace", NAMESPACE, "--wait=false")
            if options.way is None:
                write_page(sweep, done, time.monotonic() - started)
    checks = [
        Check(re.sub(r"\s+", " ", f"{step} {way}"), "" if outcome == "clean" else outcome)
        for (step, way), outcome in sweep.outcomes.items()
    ]
    return report("sweep", checks)


if __name__ == "__main__":
    sys.exit(main())
