# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every verb against a cluster whose system account can't be asked. Run by `make lockouts`; the result goes to docs/lockouts.md.

No verb may take a healthy pod away while it can't see what depends on it, and one deploy brings the login back without a restart.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import bcrypt

from tools.checks import ROOT, Check, report

from .under_load import NAMESPACE, built, kind, kubectl, load, login, play

PAGE = ROOT / "docs" / "lockouts.md"
SERVERS = 5
DECLARED: dict[str, Any] = {"nats_cluster_replicas": SERVERS, "nats_cluster_wait_timeout": 40}
RELOAD = ["nats-server", "-sl=reload=/tmp/nats.pid"]
COLUMNS = ("system account", "verb", "result", "seconds", "pods that went", "lost", "last words")


@dataclass(frozen=True)
class Verb:
    """A play that would take a pod away, or change what a server holds."""

    name: str
    declares: dict[str, Any]
    # Whether it brings the login back, and must.
    cures: bool = False
    # Whether it may bring the login back first, and do its work then.
    deploys: bool = False


def verbs(way: str) -> Iterator[Verb]:
    yield Verb("restart", {}, deploys=True)
    yield Verb("drain", {"nats_cluster_node": node("nats-1")})
    yield Verb("replace", {"nats_cluster_server": "nats-1"})
    yield Verb("rebalance", {})
    if way in list(BREAKS)[:1]:  # once: NATS shuts a removed name out for five minutes
        yield Verb("deploy", {"nats_cluster_replicas": 3}, deploys=True)
    yield Verb("deploy", {}, cures=True)


def wrong_password() -> None:
    patch("secret", "nats-sys", {"data": {"password": encoded(secrets.token_hex(8))}})


def no_secret() -> None:
    kubectl("delete", "secret", "nats-sys", f"--namespace={NAMESPACE}")


def other_hash() -> None:
    changed = bcrypt.hashpw(secrets.token_hex(8).encode(), bcrypt.gensalt(4)).decode()
    configure(
        lambda conf: re.sub(r'(user: "sys".*?password: ")[^"]*', rf"\g<1>{changed}", conf, count=1, flags=re.DOTALL)
    )


def no_user() -> None:
    configure(lambda conf: conf.replace('user: "sys"', 'user: "somebody"', 1))


def denied() -> None:
    """The login works, and nobody answers."""
    deny = 'permissions: {publish: {deny: ["$SYS.REQ.>"]}}, user: "sys"'
    configure(lambda conf: re.sub(r'user: "sys"', deny.replace("\\", ""), conf, count=1))


BREAKS: dict[str, Callable[[], None]] = {
    "another password in the Secret": wrong_password,
    "the Secret is deleted": no_secret,
    "another password in the servers": other_hash,
    "the servers know no such user": no_user,
    "its requests are denied": denied,
}


def configure(change: Callable[[str], str]) -> None:
    """Edits the configuration's Secret by hand, and has every server load it."""
    (secret,) = {volume["secret"]["secretName"] for volume in template()["volumes"] if volume["name"] == "config"}
    data = json.loads(kubectl("get", "secret", secret, f"--namespace={NAMESPACE}", "--output=json"))["data"]
    before = base64.b64decode(data["nats.conf"]).decode()
    after = change(before)
    if after == before:
        raise RuntimeError(f"the configuration in Secret {secret} did not change")
    patch("secret", secret, {"data": {"nats.conf": encoded(after)}})
    for pod in pods():
        patch("pod", pod, {"metadata": {"annotations": {"lockouts": str(time.time())}}})
        deadline = time.monotonic() + 120
        while execute(pod, "cat", "/etc/nats/nats.conf") != after:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the kubelet did not bring Secret {secret} into pod {pod}")
            time.sleep(0.5)
        execute(pod, *RELOAD)
    time.sleep(1)


def template() -> dict[str, Any]:
    found = json.loads(kubectl("get", "statefulset", "nats", f"--namespace={NAMESPACE}", "--output=json"))
    spec: dict[str, Any] = found["spec"]["template"]["spec"]
    return spec


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def patch(resource: str, name: str, change: dict[str, Any]) -> None:
    kubectl("patch", resource, name, f"--namespace={NAMESPACE}", "--type=merge", f"--patch={json.dumps(change)}")


def execute(pod: str, *command: str) -> str:
    return kubectl("exec", pod, f"--namespace={NAMESPACE}", "--container=nats", "--", *command)


def pods() -> dict[str, str]:
    """The uid of each server's pod, by name."""
    found = json.loads(kubectl("get", "pods", f"--namespace={NAMESPACE}", "--selector=app=nats", "--output=json"))[
        "items"
    ]
    return {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in found}


def node(pod: str) -> str:
    return kubectl("get", "pod", pod, f"--namespace={NAMESPACE}", "--output=jsonpath={.spec.nodeName}")


def uncordon() -> None:
    for name in kubectl("get", "nodes", "--output=name").split():
        kubectl("uncordon", name)


def last_words(output: str) -> str:
    """What a person reads of a failure."""
    told = re.findall(r"\[ERROR\]: (.*)|\"msg\": \"(.*?)\"", output)
    words = next((next(filter(None, found)) for found in told if any(found)), "")
    return re.sub(r"^Task failed: (Action|Module) failed: ", "", words).replace("|", "/")[:400]


def attempt(way: str, verb: Verb, folder: Path, program: str) -> tuple[list[str], str]:
    """A row of the table, and what is wrong with it."""
    before = pods()
    with load(program, folder, login(), "-stream=LOAD") as figures:
        started = time.monotonic()
        code, output = play(verb.name, DECLARED | verb.declares)
        took = time.monotonic() - started
    after = pods()
    gone = sorted(name for name, uid in before.items() if after.get(name) != uid)
    scaled = ", ".join(f"{name}: {value}" for name, value in verb.declares.items() if "node" not in name)
    title = f"{verb.name} ({scaled})" if scaled else verb.name
    result = "done" if not code else "refused"
    row = [
        way,
        title,
        result,
        f"{took:.1f}",
        ", ".join(gone) or "none",
        str(figures.get("lost", "?")),
        last_words(output) if code else "",
    ]
    if gone and not (verb.deploys and not code):
        return row, f"{way}, {title}: {', '.join(gone)} went\n{output[-6000:]}"
    if figures.get("lost") or figures.get("doubled") or "error" in figures:
        return row, f"{way}, {title}: {figures.get('error') or figures.get('table')}"
    if verb.cures and code:
        return row, f"{way}, {title}: the login is not back\n{output[-6000:]}"
    return row, ""


def begin() -> str:
    code, output = play("deploy", DECLARED | {"nats_cluster_wait_timeout": 300})
    if code:
        return output[-5000:]
    stream = {"streams": [{"name": "LOAD", "subjects": ["load.0.>"], "num_replicas": 3}]}
    code, output = play(
        "resources",
        {
            "nats_resources_connection": {"kubernetes": {"namespace": NAMESPACE}},
            "nats_resources_streams": stream["streams"],
        },
    )
    return output[-5000:] if code else ""


def main() -> int:
    program, rows, checks = built("bench/load/build"), [], []
    chosen = {way: how for way, how in BREAKS.items() if re.search(sys.argv[1] if sys.argv[1:] else "", way)}
    with kind(workers=SERVERS), tempfile.TemporaryDirectory() as folder:
        if problem := begin():
            return report("lockouts", [Check("deploy", problem)])
        for way, broken in chosen.items():
            for verb in verbs(way):
                broken()
                row, problem = attempt(way, verb, Path(folder), program)
                uncordon()
                print(" | ".join(row), flush=True)
                if problem:
                    print(problem, flush=True)
                rows.append(row)
                checks.append(Check(f"{way}: {row[1]}", problem))
                # A verb that was refused may have brought the login back before: it is broken anew each time.
                code, output = play("deploy", DECLARED | {"nats_cluster_wait_timeout": 300})
                if code:
                    checks.append(Check(f"{way}: {row[1]}: deployed again", output[-5000:]))
                    return report("lockouts", checks)
    if not sys.argv[1:]:
        write(rows)
    return report("lockouts", checks)


def write(rows: list[list[str]]) -> None:
    head = PAGE.read_text().partition("| system account |")[0]
    table = [list(COLUMNS), ["---"] * len(COLUMNS), *rows]
    lines = "\n".join(f"| {' | '.join(row)} |" for row in table)
    PAGE.write_text(f"{head}{lines}\n\nLast run: {date.today().isoformat()}.\n")


if __name__ == "__main__":
    sys.exit(main())
