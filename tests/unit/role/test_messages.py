# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words of each verb, from what its modules return: one real play renders them all, a host for each case."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROLE = Path(__file__).resolve().parents[3] / "roles" / "nats_cluster"
VARS = sorted((ROLE / "vars" / "main").glob("*.yml"))
NAMESPACE = {"nats_cluster_namespace": "demo"}
CHECK = {"ansible_check_mode": True}
MEMBERS = {f"nats-{number}": {"version": "2.15.2"} for number in range(3)}
HEALTH = {
    "healthy": True,
    "findings": [],
    "cluster": {"members": MEMBERS, "leader": "nats-1"},
    "streams": {"count": 1, "messages": 7, "names": {"APP": ["EVENTS"]}},
}
PLACE = "cluster nats in namespace demo (context x)"
PLAN = {
    "place": PLACE,
    "growth": {"claims": [], "replace": False},
    "reload": False,
    "roll": [],
    "scale_out": [],
    "summary": [],
}
DONE = {"place": PLACE, "seconds": 5.32, "handed_over": 3, "notes": [], "lost": [], "changed": True}
EVEN: dict = {"servers": {}, "before": {}, "moves": [], "not_moved": {}, "unmoved": []}
REMARK = {"severity": "info", "object": "account APP", "evidence": "1 stream has one replica", "remedy": "More."}
LEADER = {"what": "leader", "object": "S", "from": "nats-0", "to": ""}
WARNING = {"severity": "warning", "object": "server nats-0", "evidence": "93 % of CPU", "remedy": "Spread."}
ERROR = {"severity": "error", "object": "pod nats-1", "evidence": "it is Pending", "remedy": "Look."}
FOLLOWED = {"__nats_cluster_health": HEALTH, "__nats_cluster_began": 0}
RUN = "ansible-playbook messaging.nats."
THERE = " -e nats_cluster_namespace=demo"


def plan(verb, **changes):
    return {"__nats_cluster_plan": PLAN | {"verb": verb} | changes}


# By case: the template, its variables, and what is in it; the last of these is its last line.
CASES = {
    "plan_create": ("plan", plan("create", summary=["create a"]), [f"PLAN for {PLACE}:\n", "  - create a"]),
    "plan_nothing": ("plan", plan("nothing"), [f"PLAN for {PLACE}: nothing has to change."]),
    "deploy_check": (
        "deploy",
        plan("create") | CHECK,
        ["nothing was changed, since this was a check. To make these changes, run the same command without --check."],
    ),
    "deploy_create": (
        "deploy",
        plan("create") | FOLLOWED,
        ["nats-1 (meta leader)", "was created in ", f"Next: try it out as an application would: {RUN}smoke{THERE}"],
    ),
    "deploy_roll": (
        "deploy",
        plan("converge", roll=["nats-2", "nats-1"], reload=True) | FOLLOWED | {"__nats_cluster_rolled": DONE | {"notes": ["a note"]}},
        [
            "the servers loaded another configuration; 2 servers were restarted (nats-2, nats-1). It is healthy.",
            "  - a note\nNothing was lost: every stream has its messages and its replicas.",
            f"Next: look at it: {RUN}status{THERE}",
        ],
    ),
    "deploy_scale_in": (
        "deploy",
        plan("nothing") | FOLLOWED | {"__nats_cluster_left": DONE | {"lost": ["7 messages of stream CACHE"]}},
        ["is as declared and healthy, now that servers were taken out.", "Lost: 7 messages of stream CACHE.", f"Next: look at it: {RUN}status{THERE}"],
    ),
    "deploy_scale_out": (
        "deploy",
        plan("converge", scale_out=["nats-3", "nats-4"]) | FOLLOWED,
        ["nats-3, nats-4 joined", f"Next: give the new servers their share: {RUN}rebalance{THERE}"],
    ),
    "deploy_nothing": ("deploy", plan("nothing") | FOLLOWED, ["is as declared and healthy. Nothing had to change.", f"{RUN}status{THERE}"]),
    "deploy_verify_only": ("deploy", FOLLOWED, ["is as declared and healthy", f"{RUN}status{THERE}"]),
    "deploy_users": (
        "deploy",
        plan("nothing")
        | FOLLOWED
        | {"nats_cluster_accounts": {"APP": {"users": [{"user": "shop", "role": "publisher"}, {"user": "x"}]}, "B": {"users": None}}},
        [
            "user        shop of account APP, role publisher: its client needs the inbox prefix _INBOX_shop (inbox_prefix in its Secret)\n",
            f"{RUN}status{THERE}",
        ],
    ),
    "deploy_warning": (
        "deploy",
        plan("nothing") | FOLLOWED | {"__nats_cluster_health": HEALTH | {"findings": [REMARK, WARNING]}},
        ["is as declared and healthy, with 1 warning. Nothing had to change.\n  warning server nats-0: 93 % of CPU\n", f"{RUN}status{THERE}"],
    ),
    "restart_server": (
        "restart_server",
        FOLLOWED | {"nats_cluster_server": "nats-1", "__nats_cluster_lone_restart": DONE | {"lost": ["7 messages of stream CACHE"]}},
        [
            "Server nats-1 of cluster nats in namespace demo was restarted in 5.3 s",
            "The cluster is healthy.\nLost: 7 messages of stream CACHE.",
            f"{RUN}status{THERE}",
        ],
    ),
    "restart_server_check": (
        "restart_server",
        {"nats_cluster_server": "nats-1", "__nats_cluster_lone_restart": DONE | {"lost": ["7 messages of stream CACHE"]}} | CHECK,
        [
            f"PLAN for server nats-1 of {PLACE}:\n  - restart it\n  - may be lost: 7 messages of stream CACHE\n\n",
            "To restart it, run the same command without --check.",
        ],
    ),
    "restart_server_check_younger": (
        "restart_server",
        {"nats_cluster_server": "nats-1", "__nats_cluster_lone_restart": DONE | {"changed": False}} | CHECK,
        [f"PLAN for server nats-1 of {PLACE}: it need not restart.", "Nothing was changed, since this was a check."],
    ),
    "verify": ("verify", FOLLOWED, ["all 3 servers are members", "Nothing was changed."]),
    "verify_findings": (
        "verify",
        {"__nats_cluster_health": HEALTH | {"findings": [WARNING]}},
        ["  warning server nats-0: 93 % of CPU\nCluster nats in namespace demo is healthy, with 1 warning: all 3 servers are members", f"{RUN}diagnose{THERE}"],
    ),
    "status": (
        "status",
        {"__nats_cluster_status": {"page": "PAGE", "findings": []}},
        ["PAGE\n\nCluster nats in namespace demo is healthy. Nothing was changed."],
    ),
    "status_bad": (
        "status",
        {"__nats_cluster_status": {"page": "PAGE", "findings": [ERROR, WARNING, WARNING]}},
        ["is unhealthy, with 1 error, 2 warnings. Nothing was changed.", f"Next: find out what is behind it: {RUN}diagnose{THERE}"],
    ),
    "report": (
        "report",
        {"__nats_cluster_report": {"place": "cluster nats in namespace demo (context x)", "path": "/r.html", "findings": [WARNING], "healthy": True}},
        ["Cluster nats in namespace demo (context x) is healthy, with 1 warning.", "warning server nats-0: 93 % of CPU", "The report is /r.html"],
    ),
    "diagnose": (
        "diagnose",
        {"__nats_cluster_diagnosis": {"page": "PAGE", "causes": [], "bundle": "/b.zip", "bundle_size": 101000}},
        ["The support bundle is /b.zip (98 KiB)", "No cause of trouble was found. Nothing in the cluster was changed."],
    ),
    "diagnose_bad": (
        "diagnose",
        {"__nats_cluster_diagnosis": {"page": "PAGE", "causes": [ERROR]}},
        ["Cluster nats in namespace demo is unhealthy, with 1 error; the most likely cause comes first.", f"{RUN}verify{THERE}"],
    ),
    "smoke": ("smoke", {"__nats_cluster_smoke": {"checks": [{"name": "stream", "evidence": "made"}]}}, ["stream ", "all 1 operations worked"]),
    "rebalance": (
        "rebalance",
        {"__nats_cluster_rebalance": EVEN | {"moves": [LEADER]}},
        ["leader S: nats-0 > elsewhere", "moved 1 leader. Nothing was lost", f"{RUN}status{THERE}"],
    ),
    "rebalance_check": (
        "rebalance",
        {"__nats_cluster_rebalance": EVEN | {"moves": [LEADER, LEADER, LEADER | {"what": "connection"}]}} | CHECK,
        ["demo: 2 leaders, 1 connection would move. Nothing was changed, since this was a check. To move them"],
    ),
    "rebalance_even": (
        "rebalance",
        {"__nats_cluster_rebalance": EVEN},
        ["every server has its share already, so nothing was moved."],
    ),
    "replace": (
        "replace",
        FOLLOWED | {"nats_cluster_server": "nats-1", "__nats_cluster_replaced": DONE},
        ["has a new store and its copies again, after 5.3 s", "Nothing was lost", f"{RUN}rebalance{THERE}"],
    ),
    "replace_check": (
        "replace",
        {"nats_cluster_server": "nats-1", "__nats_cluster_replaced": DONE | {"notes": ["it gets one"]}} | CHECK,
        [
            f"PLAN for server nats-1 of {PLACE}:\n  - it gets one\n\nNothing was changed",
            "To replace it, run the same command without --check.",
        ],
    ),
    "drain_plan": (
        "drain_plan",
        {"nats_cluster_node": "w2", "__nats_cluster_asked": {"results": [{"notes": ["it will wait"]}]}},
        ["  - cordon it, so that it takes no more pods", "  - it will wait"],
    ),
    "drain_plan_nobody": ("drain_plan", {"nats_cluster_node": "w2", "__nats_cluster_asked": {"results": []}}, ["  - no server in namespace demo is on it"]),
    "drain_server": (
        "drain_server",
        {"nats_cluster_node": "w2", "__nats_cluster_leaving": {"pod": "nats-2"}, "__nats_cluster_drained": DONE},
        ["Server nats-2 has left node w2 after 5.3 s; 3 leaders were handed over before.", "Nothing was lost"],
    ),
    "drain_server_elsewhere": (
        "drain_server",
        {"nats_cluster_node": "w3", "__nats_cluster_leaving": {"pod": "nats-2"}, "__nats_cluster_drained": DONE | {"changed": False}},
        ["Server nats-2 is not on node w3.", "Nothing was lost"],
    ),
    "drain": (
        "drain",
        {"nats_cluster_node": "w2", "__nats_cluster_on_node": [{"pod": "nats-2", "cluster": "nats"}]},
        [
            "Node w2 is drained: every server that this collection deployed in namespace demo has left it.",
            "drain w2 --ignore-daemonsets",
            f"{RUN}drain{THERE} -e nats_cluster_node=w2 -e nats_cluster_node_state=uncordoned"],
    ),
    "drain_check": (
        "drain",
        {"nats_cluster_node": "w2", "__nats_cluster_on_node": []} | CHECK,
        ["Nothing was changed, since this was a check. To drain the node, run the same command without --check."],
    ),
    "uncordon": (
        "drain",
        {"nats_cluster_node": "w2", "nats_cluster_node_state": "uncordoned", "__nats_cluster_on_node": []},
        ["Node w2 takes pods again", f"{RUN}rebalance{THERE}"],
    ),
    "uninstall_plan": ("uninstall_plan", plan("delete", summary=["delete a"]), ["  - delete a", "  - keep Namespace demo, the volumes and the credentials"]),
    "uninstall": (
        "uninstall",
        plan("delete") | {"__nats_cluster_removed": {"deleted": ["a", "b"]}},
        ["is uninstalled: 2 objects are deleted.", f"{RUN}deploy{THERE}", f"{RUN}uninstall{THERE} -e '{{\"nats_cluster_delete_data\": true}}'"],
    ),
    "uninstall_data": (
        "uninstall",
        plan("delete") | {"nats_cluster_delete_data": True, "__nats_cluster_removed": {"deleted": ["a"]}},
        ["Its volumes and credentials are deleted, too, and can't be restored."],
    ),
    "uninstall_nothing": ("uninstall", plan("nothing"), ["there was nothing to delete."]),
}  # fmt: skip


# What a server, a stream or an event could be called. It ends every text that a module returns, but for those that decide.
HOSTILE = " {{ 7 * 7 }}{% raw %}{# %s %d \\n'\"<b>\u202e"
DECIDING = {"verb", "severity", "what", "leader"}


class Untrusted(str):
    """A text that Ansible must not take for a template, as it does not with results of modules."""


class Dumper(yaml.SafeDumper):
    """YAML with texts that are not trusted."""


Dumper.add_representer(Untrusted, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text), style='"'))


def hostile(data, key=""):
    if isinstance(data, dict):
        return {name: hostile(value, name) for name, value in data.items()}
    if isinstance(data, list):
        return [hostile(item, key) for item in data]
    return Untrusted(data + HOSTILE) if isinstance(data, str) and data and key not in DECIDING else data


def returned(variables):
    """The variables of a case in which what modules returned is hostile."""
    return {name: hostile(value) if name.startswith("__") else value for name, value in variables.items()}


@pytest.fixture(scope="session")
def texts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("messages")
    (folder / "templates").symlink_to(ROLE / "templates")
    shared = {
        **yaml.safe_load((ROLE / "defaults" / "main.yml").read_text()),
        **{name: value for file in VARS for name, value in yaml.safe_load(file.read_text()).items()},
        **NAMESPACE,
    }
    # Not a variable that a host may have: the play's own value would win.
    hosts = {
        name: {**variables, "template": template, "check": variables.get("ansible_check_mode", False)}
        for name, (template, variables, _words) in CASES.items()
    }
    for variables in hosts.values():
        variables.pop("ansible_check_mode", None)
    hosts |= {f"{name}-hostile": returned(variables) for name, variables in hosts.items()}
    (folder / "inventory.yml").write_text(yaml.dump({"all": {"hosts": hosts, "vars": shared}}, Dumper=Dumper))
    words = "{{ lookup('ansible.builtin.template', 'messages/' ~ template ~ '.j2', template_vars={'ansible_check_mode': check}) }}"
    task = {"ansible.builtin.debug": {"msg": words}}
    play = [{"hosts": "all", "gather_facts": False, "connection": "local", "tasks": [task]}]
    (folder / "play.yml").write_text(json.dumps(play))
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("K8S_AUTH", "KUBECONFIG"))}
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "inventory.yml", "play.yml"],
        cwd=folder,
        env=clean | {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"},
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(done.stdout[done.stdout.index("{\n") :])["plays"][0]["tasks"][0]["hosts"]
    # The inventory of this play is part of each command.
    return {name: str(result["msg"]).replace(f" -i {folder / 'inventory.yml'}", "") for name, result in found.items()}


@pytest.mark.parametrize("case", CASES)
def test_the_words_of_a_verb(texts, case):
    text, words = texts[case], CASES[case][2]
    assert [word for word in words if word not in text] == []
    assert words[-1].strip("\n") in text.rstrip("\n").splitlines()[-1] or "\n" in words[-1]
    assert "\n\n\n" not in text


@pytest.mark.parametrize("case", CASES)
def test_what_modules_return_is_neither_a_template_nor_a_line(texts, case):
    # How long it took is counted from 1970 in these cases.
    text, harmless = (re.sub(r"\d{9,} s", "1 s", texts[name]) for name in (f"{case}-hostile", case))
    assert text.count("\n") == harmless.count("\n")
    assert text.replace(HOSTILE, "").split() == harmless.split()
