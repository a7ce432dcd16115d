# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a running cluster becomes the declared one, as tables."""

from __future__ import annotations

import base64
import copy

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._config.deployment_record import DeploymentRecord
from ansible_collections.messaging.nats.plugins.module_utils._deploy.facts import (
    ClusterFacts,
    DeclaredCluster,
    Loaded,
    Running,
)
from ansible_collections.messaging.nats.plugins.module_utils._deploy.plan import plan
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Snapshot
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import (
    RESTARTED_ANNOTATION,
    Counterpart,
    title,
)

OURS = {"app.kubernetes.io/managed-by": "messaging.nats", "app.kubernetes.io/version": "2.15.1"}
NODES = [{"metadata": {"name": f"n{number}", "labels": {}}, "spec": {}} for number in range(5)]
GROWS = {
    "metadata": {"name": "grows", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
    "allowVolumeExpansion": True,
}
RIGID = {"metadata": {"name": "rigid"}}
CONF = """\
max_payload: 1048576
lame_duck_duration: "30s"
cluster {
  name: "nats"
}
jetstream {
  max_file_store: 1000
}
accounts {
  APP {}
  SYS {}
}
"""


def statefulset(
    replicas=3,
    image="nats:2.15.1-alpine",
    secret="nats-config-1",
    size="5Gi",
    prefix="",
    of="grows",
    volumes=1,
    **annotations,
):
    claim = {
        "metadata": {"name": "data"},
        "spec": {"storageClassName": of, "resources": {"requests": {"storage": size}}},
    }
    pod = {
        "containers": [
            {"name": "nats", "image": image, "env": [{"name": "SERVER_NAME", "value": f"{prefix}$(POD_NAME)"}]}
        ],
        "volumes": [{"name": "config", "secret": {"secretName": secret}}],
    }
    return {
        "kind": "StatefulSet",
        "metadata": {"name": "nats", "namespace": "nats", "labels": OURS},
        "spec": {
            "replicas": replicas,
            "template": {"metadata": {"annotations": annotations} if annotations else {}, "spec": pod},
            "volumeClaimTemplates": [claim] * volumes,
        },
        "status": {"updateRevision": "new", "currentRevision": "new"},
    }


def secret(conf=CONF, name="nats-config-1"):
    data = {"nats.conf": base64.b64encode(conf.encode()).decode()}
    return {"kind": "Secret", "metadata": {"name": name, "namespace": "nats", "labels": OURS}, "data": data}


def until_restart():
    found = secret(CONF + "debug: true\n")
    return found | {"metadata": found["metadata"] | {"annotations": {"messaging.nats/until-restart": "true"}}}


def login(password="old"):
    data = {"password": base64.b64encode(password.encode()).decode()}
    meta = {"name": "nats-sys", "namespace": "nats", "labels": OURS}
    return {"kind": "Secret", "type": "kubernetes.io/basic-auth", "metadata": meta, "data": data}


def pods(*revisions):
    return tuple(
        {
            "metadata": {"name": f"nats-{number}", "labels": {"controller-revision-hash": revision}},
            "spec": statefulset()["spec"]["template"]["spec"],
            "status": {},
        }
        for number, revision in enumerate(revisions)
    )


def answer(name, leader="nats-0", peers=("nats-1", "nats-2"), version="2.15.1", streams=(), **data):
    details = [{"name": "APP", "stream_detail": list(streams)}] if streams else []
    meta = {
        "leader": leader,
        "replicas": [{"name": peer, "current": True} for peer in peers] if name == leader else None,
    }
    return {
        "server": {"name": name, "ver": version, "cluster": "nats"},
        "data": {"config": {"max_storage": 1000}, "meta_cluster": meta, "account_details": details, **data},
    }


def stream(name, replicas=3, storage="file", level="0"):
    config = {"num_replicas": replicas, "storage": storage, "metadata": {"_nats.req.level": level}}
    return {"name": name, "config": config, "state": {"messages": 1, "last_seq": 1}, "cluster": {"leader": "nats-0"}}


def snapshot(*streams, peers=("nats-1", "nats-2"), version="2.15.1", count=3, **data):
    names = tuple(f"nats-{number}" for number in range(count))
    answers = tuple(answer(name, peers=peers, version=version, streams=streams, **data) for name in names)
    return Snapshot(names, answers=answers)


def planned(
    declared=None,
    conf=CONF,
    secret_name="nats-config-1",
    wanted=None,
    seen=None,
    revisions=("new",) * 3,
    loaded=None,
    others=(),
    claims="5Gi",
    capacity="5Gi",
    classes=(GROWS, RIGID),
    runs=None,
):
    """The plan where a cluster of three runs with CONF."""
    declared = declared or statefulset()
    running = runs or statefulset()
    dry = copy.deepcopy(declared)
    dry["spec"]["volumeClaimTemplates"] = running["spec"]["volumeClaimTemplates"]
    made = secret(conf, secret_name)
    pairs = [
        Counterpart(declared, running, dry),
        Counterpart(made, secret(), made) if secret_name == "nats-config-1" else Counterpart(made),
        *others,
    ]
    volumes = [
        {
            "metadata": {"name": f"data-nats-{number}", "labels": OURS},
            "spec": {
                "storageClassName": template["spec"]["storageClassName"],
                "resources": {"requests": {"storage": claims}},
            },
            "status": {"capacity": {"storage": capacity}},
        }
        for template in declared["spec"]["volumeClaimTemplates"]
        for number in range(3)
    ]
    seen = seen or snapshot(count=running["spec"]["replicas"])
    found = Running(running, pods(*revisions), CONF, seen, loaded or Loaded())
    facts = ClusterFacts(True, NODES, classes and list(classes), volumes, ("nats-config-1",), found)
    return plan(pairs, facts, wanted or DeclaredCluster(3, "2.15.1"))


def test_what_is_as_declared_is_left_alone():
    found = planned()
    assert (found.verb, found.summary) == ("nothing", ())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        # In the Secret that the servers read: they take it over as they run.
        ({"conf": CONF.replace("1048576", "2097152")}, {"reload": True, "apply_secrets": ("nats-config-1",)}),
        # A play was killed between apply and reload, or a Secret of the user's was renewed.
        ({"loaded": Loaded({"nats-1": ("its revision is 1, and the file's 2",)})}, {"reload": True}),
        # Logins are switched once the servers know them.
        ({"others": (Counterpart(login()),)}, {"apply_logins": ("nats-sys",)}),
        ({"others": (Counterpart(login(), login(), login("new")),)}, {"apply_logins": ("nats-sys",)}),
        (
            {"conf": CONF.replace("1048576", "2097152"), "others": (Counterpart(login(), login(), login("new")),)},
            {"reload": True, "apply_secrets": ("nats-config-1",), "apply_logins": ("nats-sys",)},
        ),
        # What needs a restart waits until the servers have the new logins in what they run with.
        (
            {
                "declared": statefulset(secret="nats-config-2"),
                "secret_name": "nats-config-2",
                "others": (Counterpart(until_restart(), secret(), until_restart()),),
            },
            {
                "reload": True,
                "roll": ("nats-2", "nats-1", "nats-0"),
                "apply": ("StatefulSet nats",),
                "apply_secrets": ("nats-config-2", "nats-config-1"),
                "obsolete": ("nats-config-1",),
            },
        ),
        # In another Secret: each server has to restart.
        (
            {
                "declared": statefulset(secret="nats-config-2"),
                "conf": CONF.replace("30s", "40s"),
                "secret_name": "nats-config-2",
            },
            {
                "roll": ("nats-2", "nats-1", "nats-0"),
                "apply_secrets": ("nats-config-2",),
                "apply": ("StatefulSet nats",),
                "obsolete": ("nats-config-1",),
            },
        ),
        (
            {"declared": statefulset(image="nats:2.15.2-alpine")},
            {"roll": ("nats-2", "nats-1", "nats-0"), "apply": ("StatefulSet nats",)},
        ),
        # For no other reason: the first server that restarts has them all told.
        ({"declared": statefulset(**{RESTARTED_ANNOTATION: "now"})}, {"roll": ("nats-2", "nats-1", "nats-0")}),
        (
            {
                "declared": statefulset(**{RESTARTED_ANNOTATION: "now"}),
                "runs": statefulset(**{RESTARTED_ANNOTATION: "before"}),
            },
            {"roll": ("nats-2", "nats-1", "nats-0")},
        ),
        (
            {"declared": statefulset(**{RESTARTED_ANNOTATION: "now", "own": "new"}), "runs": statefulset(own="old")},
            {"roll": ("nats-2", "nats-1", "nats-0"), "apply": ("StatefulSet nats",)},
        ),
        (
            {"declared": statefulset(**{RESTARTED_ANNOTATION: "now", "own": "new"})},
            {"roll": ("nats-2", "nats-1", "nats-0"), "apply": ("StatefulSet nats",)},
        ),
        # A play was killed in the middle of a roll.
        ({"revisions": ("old", "old", "new")}, {"roll": ("nats-1", "nats-0")}),
        ({"wanted": DeclaredCluster(5, "2.15.1")}, {"scale_out": ("nats-3", "nats-4")}),
        (
            {"runs": statefulset(5), "declared": statefulset(5), "revisions": ("new",) * 5},
            {"scale_in": ("nats-4", "nats-3")},
        ),
        # A play was killed after the pod went, and before meta forgot it.
        ({"seen": snapshot(peers=("nats-1", "nats-2", "nats-3"))}, {"scale_in": ("nats-3",)}),
        # Servers that leave are not restarted first.
        (
            {"runs": statefulset(5), "declared": statefulset(5, image="nats:2.15.2-alpine"), "revisions": ("new",) * 5},
            {"scale_in": ("nats-4", "nats-3"), "apply": ("StatefulSet nats",)},
        ),
    ],
)
def test_each_difference_has_its_steps(arguments, expected):
    found = planned(**arguments)
    steps = ("reload", "roll", "scale_in", "scale_out", "apply", "apply_secrets", "apply_logins", "obsolete")
    assert (found.verb, found.refusals) == ("converge", ())
    done = {step: value for step in steps if (value := getattr(found, step))}
    applied = {"apply": tuple(map(title, found.apply))} if found.apply else {}
    assert done | applied == expected
    assert found.summary


def test_the_plan_says_why_servers_reload_and_of_which_it_does_not_know():
    reason = ("the pod lacks the newest /etc/tls/ca.crt of Secret web",)
    found = planned(loaded=Loaded({"nats-0": reason, "nats-1": reason}, {"nats-2": "it does not answer"}))
    assert found.summary[:2] == (
        "reload nats.conf on every server, without a restart",
        "not loaded on nats-0, nats-1: the pod lacks the newest /etc/tls/ca.crt of Secret web",
    )
    assert "not checked: what server nats-2 runs with: it does not answer" in found.summary
    assert planned(loaded=Loaded({}, {"nats-2": "it does not answer"})).verb == "nothing"


def test_volumes_grow_without_a_restart():
    found = planned(statefulset(size="10Gi"))
    assert found.growth.claims == ("data-nats-0", "data-nats-1", "data-nats-2")
    assert (found.growth.size, found.growth.replace, found.roll) == ("10Gi", True, ())
    # A play was killed while the volumes grew, and after that.
    assert planned(statefulset(size="10Gi"), claims="10Gi").growth.claims == found.growth.claims
    grown = planned(statefulset(size="10Gi"), claims="10Gi", capacity="10Gi").growth
    assert (grown.claims, grown.replace) == ((), True)
    # Some classes give more than they are asked for.
    assert not planned(claims="6Gi", capacity="7Gi").growth.needed


def test_a_volume_without_a_server_grows_when_one_mounts_it():
    found = planned(statefulset(size="10Gi"), claims="10Gi", revisions=("new", "new")).growth
    assert found.claims == ("data-nats-0", "data-nats-1")


def test_classes_that_may_not_be_read_are_no_reason_to_refuse():
    assert planned(statefulset(size="6Gi", of="rigid"), runs=statefulset(of="rigid"), classes=None).growth.needed


def test_a_statefulset_that_a_killed_play_deleted_is_created_again_without_a_restart():
    lost = statefulset(size="10Gi") | {"status": {"lost": True, "updateRevision": "new", "currentRevision": "new"}}
    found = planned(statefulset(size="10Gi"), runs=lost, claims="10Gi", capacity="10Gi")
    assert (found.verb, found.growth.replace, found.roll) == ("converge", True, ())
    assert found.summary == ("create StatefulSet nats again, which a killed play has deleted without its pods",)


def test_servers_without_volumes_change_as_any_other():
    bare = statefulset(volumes=0)
    assert planned(bare, runs=bare).verb == "nothing"
    assert planned(statefulset(volumes=0, image="x"), runs=bare).roll == ("nats-2", "nats-1", "nats-0")
    lost = bare | {"status": {"lost": True, "updateRevision": "new", "currentRevision": "new"}}
    found = planned(bare, runs=lost).growth
    assert (found.replace, found.size, found.claims) == (True, "0", ())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            {"declared": statefulset(volumes=0)},
            "nats_cluster_max_file_store: servers that have volumes can't do without them, and what is stored there would be lost",
        ),
        (
            {"runs": statefulset(volumes=0)},
            "nats_cluster_max_file_store: servers without a volume can't get one, and what they hold in memory would be lost",
        ),
        (
            {
                "conf": CONF.replace("max_file_store: 1000", "max_memory_store: 0"),
                "seen": snapshot(stream("FAST", 3, "memory")),
            },
            "nats_cluster_max_memory_store: 0 leaves FAST of account APP no store",
        ),
        ({"conf": CONF.replace('name: "nats"', 'name: "other"')}, "nats_cluster_cluster_name: nats can't become other"),
        ({"declared": statefulset(prefix="west-")}, "nats_cluster_server_prefix: the servers' names can't change"),
        ({"wanted": DeclaredCluster(1, "2.15.1")}, "nats_cluster_replicas: 3 can't become 1 in place"),
        (
            {
                "runs": statefulset(5),
                "declared": statefulset(5),
                "revisions": ("new",) * 5,
                "seen": snapshot(stream("WIDE", 5)),
            },
            "fewer than the replicas of WIDE of account APP (5)",
        ),
        (
            {"conf": CONF.replace("  APP {}\n", ""), "seen": snapshot(stream("KEPT"))},
            "nats_cluster_accounts: APP is not declared any more and holds KEPT",
        ),
        (
            {"conf": CONF.replace("1000", "500"), "seen": snapshot(storage=800)},
            "nats_cluster_max_file_store: server nats-0 holds",
        ),
        ({"declared": statefulset(size="4Gi")}, "nats_cluster_storage_size: a volume of 5Gi can't shrink to 4Gi"),
        (
            {"declared": statefulset(size="6Gi", of="rigid"), "runs": statefulset(of="rigid")},
            "nats_cluster_storage_size: StorageClass rigid can't expand volumes",
        ),
        (
            {"declared": statefulset(of="rigid")},
            "nats_cluster_storage_class: volumes of class grows can't become rigid",
        ),
        (
            {"seen": snapshot(version="2.11.11")},
            "2.11.11 to 2.15.1 is more than one minor version: deploy 2.12, then 2.14 first",
        ),
        (
            {
                "seen": snapshot(stream("NEW", level="4")),
                "wanted": DeclaredCluster(3, "2.14.6", "accept"),
                "declared": statefulset(image="x"),
            },
            None,
        ),
        (
            {
                "seen": snapshot(stream("NEW", level="5")),
                "wanted": DeclaredCluster(3, "2.14.6", "accept"),
                "declared": statefulset(image="x"),
            },
            "nats_cluster_version: 2.14.6 can't serve stream NEW of account APP",
        ),
        (
            {"seen": snapshot(stream("FAST", 1, "memory")), "revisions": ("old", "new", "new")},
            "nats_cluster_single_replica: a restart empties FAST of account APP",
        ),
        ({"seen": snapshot(stream("ONE", 1)), "revisions": ("old", "new", "new")}, None),
        (
            {"conf": CONF.replace('name: "nats"', 'name: "nats"\n  tls {\n    cert_file: "/c"\n  }')},
            "nats_cluster_config: cluster.tls names files that nats-0, nats-1, nats-2 can't have before a restart",
        ),
        (
            {"seen": snapshot(stream("ONE", 1), version="2.14.6"), "declared": statefulset(image="x")},
            "nats_cluster_single_replica: ONE of account APP have one replica",
        ),
        (
            {
                "seen": snapshot(stream("ONE", 1), version="2.14.6"),
                "declared": statefulset(image="x"),
                "wanted": DeclaredCluster(3, "2.15.1", "move"),
            },
            None,
        ),
    ],
)
def test_what_would_lose_something_is_refused_with_the_reason(arguments, sentence):
    found = planned(**arguments)
    assert (found.verb == "refuse") is (sentence is not None), found
    assert (sentence or "") in "\n".join(found.refusals)


def test_a_version_without_fixes_is_mentioned_where_something_happens():
    remark = "nats-server 2.12.8 no longer gets fixes: 2.14 and 2.15 do"
    seen = snapshot(version="2.12.8")
    (vulnerable,) = planned(seen=seen, wanted=DeclaredCluster(3, "2.12.8")).summary
    assert vulnerable.startswith("nats-server 2.12.8 has known vulnerabilities, corrected in 2.12.12: 2026-28 (")
    assert remark in planned(seen=seen, wanted=DeclaredCluster(3, "2.12.8"), conf=CONF.replace("1048576", "2")).summary


def test_a_person_reads_what_changes_and_why():
    conf = CONF.replace("1048576", "2097152").replace("30s", "40s")
    found = planned(statefulset(secret="nats-config-2"), conf=conf, secret_name="nats-config-2")
    assert found.summary == (
        "nats.conf: -max_payload: 1048576",
        'nats.conf: -lame_duck_duration: "30s"',
        "nats.conf: +max_payload: 2097152",
        'nats.conf: +lame_duck_duration: "40s"',
        "restart nats-2, nats-1, nats-0, one at a time: nats.conf: a running server does not take over lame_duck_duration",
        "create Secret nats-config-2",
        "delete Secret nats-config-1, which no server reads",
    )


ENCRYPTED = CONF.replace("jetstream {", 'jetstream {\n  cipher: "aes"\n  key: $JETSTREAM_KEY')


def key_secret():
    return {
        "kind": "Secret",
        "metadata": {"name": "nats-encryption", "namespace": "nats", "labels": OURS},
        "data": {"key": "eA=="},
    }


def with_key(**spec):
    found = statefulset(**spec)
    source = {"secretKeyRef": {"name": "nats-encryption", "key": "key"}}
    found["spec"]["template"]["spec"]["containers"][0]["env"].append({"name": "JETSTREAM_KEY", "valueFrom": source})
    return found


@pytest.mark.parametrize(
    ("exists", "runs_with"), [(True, ENCRYPTED), (False, ENCRYPTED), (False, None), (False, "unreadable {")]
)
def test_a_key_that_no_secret_has_any_more_is_not_made_anew(exists, runs_with):
    """Servers run with it, and the next one that restarts could not read its store."""
    made, key = secret(ENCRYPTED), key_secret()
    pairs = [
        Counterpart(with_key(), with_key(), with_key()),
        Counterpart(made, made, made),
        Counterpart(key, key, key) if exists else Counterpart(key),
    ]
    running = Running(with_key(), pods("new", "new", "new"), runs_with, snapshot(), Loaded())
    found = plan(
        pairs, ClusterFacts(True, NODES, [GROWS], [], ("nats-config-1",), running), DeclaredCluster(3, "2.15.1")
    )
    assert found.verb == ("nothing" if exists else "refuse"), found
    if not exists:
        assert "Secret nats-encryption with the key of the store does not exist any more" in "\n".join(found.refusals)
        assert "kubectl exec <pod> -- printenv JETSTREAM_KEY" in "\n".join(found.refusals)
        assert "write nats_cluster_encryption.secret: nats-encryption" in "\n".join(found.refusals)


@pytest.mark.parametrize(("exists", "cipher"), [(True, "aes"), (False, "aes"), (False, ""), (False, None)])
def test_volumes_that_were_written_with_a_key_get_no_other_one(exists, cipher):
    made, key = secret(ENCRYPTED), key_secret()
    pairs = [Counterpart(with_key()), Counterpart(made), Counterpart(key, key, key) if exists else Counterpart(key)]
    # Without a note of the last deploy, nobody knows whether there was a key.
    record = None if cipher is None else DeploymentRecord("nats", "", ("APP", "SYS"), 3, "2.15.1", cipher)
    claims = [{"metadata": {"name": f"data-nats-{number}"}} for number in range(3)]
    facts = ClusterFacts(True, NODES, [GROWS], claims, record=record)
    told = "\n".join(plan(pairs, facts, DeclaredCluster(3, "2.15.1")).refusals)
    assert ("Secret nats-encryption does not exist: make it with that key under key" in told) is (
        not exists and cipher != ""
    )


def mounting(name):
    found = statefulset()
    found["spec"]["template"]["spec"]["volumes"].append({"name": "routes-tls", "secret": {"secretName": name}})
    return found


def files(**data):
    return {
        "kind": "Secret",
        "metadata": {"name": "nats-routes-tls", "namespace": "nats", "labels": OURS},
        "data": data,
    }


@pytest.mark.parametrize(
    ("mounted", "there", "declared", "reload"),
    [
        ("nats-routes-tls", files(ca="b2xk"), files(ca="bmV3"), True),
        ("nats-routes-tls", files(ca="b2xk"), files(ca="b2xk", more="bmV3"), True),
        ("nats-routes-tls", None, files(ca="bmV3"), True),
        ("nats-routes-tls", files(ca="b2xk"), files(ca="b2xk"), False),
        ("other", files(ca="b2xk"), files(ca="bmV3"), False),
    ],
)
def test_servers_reload_files_of_a_secret_that_they_mount(mounted, there, declared, reload):
    made, servers = secret(), mounting(mounted)
    pairs = [
        Counterpart(servers, servers, servers),
        Counterpart(made, made, made),
        Counterpart(declared, there, declared),
    ]
    running = Running(servers, pods("new", "new", "new"), CONF, snapshot(), Loaded())
    found = plan(
        pairs, ClusterFacts(True, NODES, [GROWS], [], ("nats-config-1",), running), DeclaredCluster(3, "2.15.1")
    )
    assert found.reload is reload, found
