# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What is wrong with a cluster, from a snapshot of it. Pure: talks to nobody. PRIVATE to the collection: it can change at any time.

`/healthz` is not among the evidence: it says 200 in most bad states.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import Unasked
from ansible_collections.messaging.nats.plugins.module_utils._common.units import instant
from ansible_collections.messaging.nats.plugins.module_utils._health.asset_findings import (
    account_findings,
    consumer_findings,
    stream_findings,
)
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import consumers, streams
from ansible_collections.messaging.nats.plugins.module_utils._health.findings import Finding, error, warning
from ansible_collections.messaging.nats.plugins.module_utils._health.history_findings import history_findings
from ansible_collections.messaging.nats.plugins.module_utils._health.server_findings import server_findings
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import (
    Pod,
    Snapshot,
    answered,
    by_server,
    cluster_of,
    figures,
    is_down,
    meta_cluster,
    meta_leader_with_quorum,
    quorum,
)
from ansible_collections.messaging.nats.plugins.module_utils._health.threshold_findings import owner_findings
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import IMAGE_REASONS

RECENT = timedelta(days=1)


def evaluate(snapshot: Snapshot) -> list[Finding]:
    """All findings, the causes before their effects."""
    servers, size = answered(snapshot), len(snapshot.expected)
    return [
        *_system_unasked(snapshot),
        *_missing(snapshot),
        *_foreign(snapshot),
        *_meta(snapshot),
        *_jetstream(snapshot),
        *stream_findings(servers, size),
        *consumer_findings(servers),
        *_unasked(snapshot),
        *_listed(snapshot),
        *server_findings(
            {name: answer for name, answer in by_server(snapshot, snapshot.varz).items() if name in servers}, size
        ),
        *_volumes(snapshot),
        *_killed(snapshot),
        *_configured(snapshot),
        *_health_checks(snapshot),
        *owner_findings(servers),
        *history_findings(snapshot.previous, figures(snapshot)),
    ]


def _system_unasked(snapshot: Snapshot) -> Iterator[Finding]:
    """One finding where it is the login, or the way there, and not the servers."""
    told = snapshot.unreachable_for
    if told and _login_is_at_fault(snapshot):
        evidence = f"it could not be asked, so nothing is known of what the servers have: {told.cause}"
        yield error("SYSTEM_ACCOUNT_NOT_ASKED", "system account", evidence, told.remedy or "Check its login.")


def _login_is_at_fault(snapshot: Snapshot) -> bool:
    """Whether nobody could be asked for another reason than that no server is there."""
    told = snapshot.unreachable_for
    if told is None:
        return False
    # Where Kubernetes finds a pod ready, its server would have answered.
    ready = any(pod.down is False and not _pod_problem(pod) for pod in (snapshot.pods or {}).values())
    return told.reason is not Unasked.NO_ANSWER or ready


def _missing(snapshot: Snapshot) -> Iterator[Finding]:
    there, at_fault = answered(snapshot), _login_is_at_fault(snapshot)
    for server in snapshot.expected:
        if server not in there:
            finding = _why_missing(snapshot, server)
            # That it gave no answer says nothing of a server that was not asked.
            if not (at_fault and finding.code in SILENT_CODES and not is_down(snapshot, server)):
                yield finding


SILENT_CODES = ("SERVER_DOWN", "SERVER_NOT_RESPONDING")


def _why_missing(snapshot: Snapshot, server: str) -> Finding:
    what = f"server {server}"
    if snapshot.pods is not None:
        pod = snapshot.pods.get(server)
        if pod is None:
            return error("POD_MISSING", what, "it has no pod", "Look at the StatefulSet's events.")
        what = f"pod {pod.name}"
        if problem := _pod_problem(pod):
            return problem
    alone = snapshot.alone.get(server)
    if alone is None:
        evidence = (
            snapshot.unreachable
            or f"no answer to the system account, {len(answered(snapshot))} of {len(snapshot.expected)} servers answer"
        )
        return error("SERVER_DOWN", what, evidence, "Look at its log.")
    name = (alone.get("cluster") or {}).get("name")
    usual = snapshot.cluster_name or next(map(cluster_of, answered(snapshot).values()), None)
    if usual and name != usual:
        return error(
            "CLUSTER_NAME_MISMATCH",
            what,
            f"its cluster is called {name!r}, not {usual!r}",
            "Give it the configuration of the others and restart it.",
        )
    if server in snapshot.route_errors and not alone.get("routes"):
        return error(
            "ROUTE_UNRESOLVABLE",
            what,
            snapshot.route_errors[server],
            "Check nats_cluster_domain against the domain in a pod's /etc/resolv.conf, the names in cluster.routes, and the cluster's DNS.",
        )
    if not alone.get("routes"):
        return error(
            "SERVER_ISOLATED",
            what,
            "it runs, but has a route to no other server",
            "Check network policies, and the names in cluster.routes.",
        )
    return error(
        "SERVER_NOT_RESPONDING",
        what,
        snapshot.unreachable or "it runs, but does not answer the system account",
        "Look at its log.",
    )


def _pod_problem(pod: Pod) -> Finding | None:
    what, said = f"pod {pod.name}", f"{pod.reason}: {pod.message}".strip(": ")
    if pod.reason in IMAGE_REASONS:
        return error(
            "IMAGE_PULL",
            what,
            said,
            "Check nats_cluster_image, nats_cluster_version and nats_cluster_image_pull_secrets.",
        )
    if pod.phase == "Pending":
        return error(
            "POD_PENDING",
            what,
            f"it is Pending: {said}" if said else "it is Pending",
            "Check storage class, nodes and quotas.",
        )
    if pod.reason:
        return error("POD_CRASHING", what, said, "Look at its log.")
    if pod.phase != "Running":
        return error("POD_NOT_RUNNING", what, f"it is {pod.phase}", "Look at its events.")
    return None


def _foreign(snapshot: Snapshot) -> Iterator[Finding]:
    ours = [answer for answer in snapshot.answers if snapshot.cluster_name in (None, cluster_of(answer))]
    names = Counter(answer["server"]["name"] for answer in ours)
    for name, count in names.items():
        if count > 1:
            evidence = f"{count} servers have this name"
            yield error("DUPLICATE_SERVER_NAME", f"server {name}", evidence, "Give each server a name of its own.")
    # A server that is gone for good is still counted for the quorum until it is removed from meta.
    peers = {peer["name"] for answer in ours for peer in meta_cluster(answer).get("replicas") or []}
    if not set(snapshot.expected) <= set(names):
        # A peer that was not seen since its leader started has no name yet: it is one of the missing.
        peers = {peer for peer in peers if not peer.startswith("Server name unknown")}
    for name in sorted((peers | set(names)) - set(snapshot.expected)):
        evidence = "it answers, but is not expected" if name in names else "it is a meta peer, but is not expected"
        remedy = "Add it to the expectation, or remove it from the cluster."
        yield error("SERVER_UNEXPECTED", f"server {name}", evidence, remedy)


def _meta(snapshot: Snapshot) -> Iterator[Finding]:
    there = answered(snapshot)
    if len(snapshot.expected) == 1 or not there:
        return
    named = {str(meta_cluster(answer).get("leader")) for answer in there.values() if meta_cluster(answer).get("leader")}
    if len(named) > 1:
        evidence = f"servers name different meta leaders: {', '.join(sorted(named))}"
        yield warning("META_DISAGREEMENT", "cluster", evidence, "If it lasts, the cluster is split: check the routes.")
    leader = meta_leader_with_quorum(snapshot)
    if leader is None:
        needed = f"{len(there)} of {len(snapshot.expected)} servers answer, {quorum(snapshot)} are needed"
        if len(there) < quorum(snapshot):
            yield error("META_NO_QUORUM", "cluster", f"no quorum: {needed}", "Bring the missing servers back.")
        else:
            yield error(
                "META_NO_LEADER",
                "cluster",
                f"no meta leader: {needed}",
                "Wait for the election; if it lasts, look at the servers' logs.",
            )
        return
    peers = {peer["name"]: peer for peer in meta_cluster(there[leader]).get("replicas") or []}
    for server in there:
        if server == leader:
            continue
        if server not in peers:
            size = meta_cluster(there[leader]).get("cluster_size")
            yield error(
                "SERVER_NOT_IN_META",
                f"server {server}",
                f"it answers, but is not among the {size} meta peers",
                "It joins by itself, up to five minutes after it was removed from the cluster.",
            )
        elif not peers[server].get("current") or peers[server].get("offline"):
            yield error(
                "META_PEER_NOT_CURRENT",
                f"server {server}",
                "it is not current with the meta leader",
                "Wait for it to catch up.",
            )


def _jetstream(snapshot: Snapshot) -> Iterator[Finding]:
    for name, answer in answered(snapshot).items():
        if answer["data"].get("disabled") or not answer["data"].get("config"):
            yield error(
                "JETSTREAM_DISABLED",
                f"server {name}",
                "JetStream is disabled",
                "Look at its log: a full or broken disk disables it.",
            )


def _unasked(snapshot: Snapshot) -> Iterator[Finding]:
    """Accounts that can't be asked, unless the servers themselves are the reason: that has been told."""
    if len(answered(snapshot)) < quorum(snapshot) or (
        len(snapshot.expected) > 1 and not meta_leader_with_quorum(snapshot)
    ):
        return
    for account, (cause, remedy, *_reason) in sorted(snapshot.unasked.items()):
        evidence = f"its streams and consumers can't be listed: {cause}"
        yield error("ACCOUNT_NOT_ASKED", f"account {account}", evidence, remedy or "Check its login.")


def _listed(snapshot: Snapshot) -> Iterator[Finding]:
    """The accounts' own lists beside what the servers hold."""
    there = answered(snapshot)
    held = streams(there)
    all_there = len(there) == len(snapshot.expected) and not any(
        answer["data"].get("disabled") for answer in there.values()
    )
    known: dict[tuple[str, str], set[str]] = {}
    for account, stream, name in consumers(there):
        known.setdefault((account, stream), set()).add(name)
    for account, listed in sorted(snapshot.accounts.items()):
        own = [name for of, name in held if of == account]
        if own and not listed.streams:
            evidence = f"the servers hold {len(own)} streams, and its API lists none"
            remedy = "Stop at once, before the servers delete them: was a system account added, or the account renamed?"
            yield error("ORPHANED_STREAMS", f"account {account}", evidence, remedy)
        yield from account_findings(account, listed.usage)
        for name in sorted(set(listed.streams) - set(own)):
            evidence = "it is listed, but no server that answers has it"
            remedy = "Bring its server back. With one replica there is no other copy."
            yield error("STREAM_UNAVAILABLE", f"stream {name} of account {account}", evidence, remedy)
        for stream, names in sorted(listed.consumers.items()):
            for name in sorted(set(names) - known.get((account, stream), set())):
                what = f"consumer {name} of stream {stream} of account {account}"
                # Whoever is silent, or has no JetStream, may have it: nothing is to be deleted for that.
                if all_there:
                    remedy = "Delete it: the request may time out and does its work."
                    yield error("CONSUMER_GHOST", what, "it is listed, but no server has it", remedy)
                elif (account, stream) in held:
                    remedy = "Bring the missing servers back."
                    yield error("CONSUMER_UNAVAILABLE", what, "it is listed, but no server that answers has it", remedy)


def _volumes(snapshot: Snapshot) -> Iterator[Finding]:
    for name, answer in answered(snapshot).items():
        most, volume = (answer["data"].get("config") or {}).get("max_storage", 0), snapshot.volumes.get(name)
        if volume is not None and most > volume:
            evidence = f"its store may grow to {most >> 20} MiB, on a volume of {volume >> 20} MiB"
            remedy = "Lower nats_cluster_max_file_store: a full volume disables JetStream on the server."
            yield warning("VOLUME_TOO_SMALL", f"server {name}", evidence, remedy)


def _killed(snapshot: Snapshot) -> Iterator[Finding]:
    for pod in (snapshot.pods or {}).values():
        moment = instant(pod.killed)
        if moment and datetime.now(timezone.utc) - moment[0] < RECENT:
            evidence = f"the kernel killed its server for want of memory at {pod.killed}"
            remedy = "Raise nats_cluster_resources.limits.memory; the playbook diagnose tells what fills it."
            yield warning("OOM_KILLED", f"pod {pod.name}", evidence, remedy)


def _configured(snapshot: Snapshot) -> Iterator[Finding]:
    for name, answer in by_server(snapshot, snapshot.varz).items():
        digest = answer["data"].get("config_digest")
        if digest and snapshot.digests.get(name, digest) != digest:
            evidence = "it runs with another configuration than the one that lies in its pod"
            remedy = "A reload was refused or not asked for: restart the pod, or put the configuration back."
            yield warning("CONFIG_NOT_APPLIED", f"server {name}", evidence, remedy)


def _health_checks(snapshot: Snapshot) -> Iterator[Finding]:
    """The servers' own word is no proof of health, but a complaint is one of trouble."""
    for name, answer in by_server(snapshot, snapshot.healthz).items():
        data = answer["data"]
        if data.get("status_code", 200) != 200 or data.get("status") not in ("ok", None):
            said = str(
                data.get("error")
                or "; ".join(str(entry.get("error")) for entry in data.get("errors") or [])
                or data.get("status")
            )
            if "write error" in said:
                remedy = (
                    "Its disk is full or broken: make room, then restart the server. It does not catch up by itself."
                )
                yield error("STORE_WRITE_FAILED", f"server {name}", f"its health check says: {said}", remedy)
                continue
            yield warning(
                "HEALTH_CHECK_FAILED",
                f"server {name}",
                f"its health check says: {said}",
                "Look at the other findings, or at its log.",
            )
