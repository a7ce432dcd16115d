# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Findings about streams and consumers. Pure: talks to nobody. PRIVATE to the collection: it can change at any time.

Only what the leader says about replicas counts: every follower calls the other followers not current.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ansible_collections.messaging.nats.plugins.module_utils._common.answer import Answer
from ansible_collections.messaging.nats.plugins.module_utils._health.assets import consumers, streams
from ansible_collections.messaging.nats.plugins.module_utils._health.findings import (
    Finding,
    error,
    info,
    percent,
    warning,
)

# A replica lags if it lacks this share of its stream, and more than these messages.
LAG_PERCENT, MIN_LAG = 10, 1000
NEAR_LIMIT_PERCENT, MANY_SUBJECTS, MAX_NAMES_LISTED = 90, 1_000_000, 20


def stream_findings(servers: Mapping[str, Answer], expected: int) -> Iterator[Finding]:
    """`servers` are the answers to JSZ, by name; `expected` is how many servers there should be."""
    single: dict[str, list[str]] = {}
    for (account, name), stream in sorted(streams(servers).items()):
        what, config = f"stream {name} of account {account}", stream.get("config") or {}
        replicas = config.get("num_replicas", 1)
        if replicas > 1:
            yield from _replicas("STREAM", what, stream.get("cluster") or {}, replicas)
            yield from _lag(what, stream)
        elif expected > 1:
            single.setdefault(account, []).append(name)
        yield from _limits(what, config, stream.get("state") or {})
    for account, names in sorted(single.items()):
        shown = ", ".join(names[:MAX_NAMES_LISTED]) + (", …" if len(names) > MAX_NAMES_LISTED else "")
        number = "1 stream has" if len(names) == 1 else f"{len(names)} streams have"
        evidence = f"{number} one replica: {shown}"
        remedy = (
            "A stream with one replica is unavailable while its server is down, and lost with that server's volume, "
            "or with its restart if it is in memory. Give it three replicas if that must not happen."
        )
        yield info("SINGLE_REPLICA", f"account {account}", evidence, remedy)


def consumer_findings(servers: Mapping[str, Answer]) -> Iterator[Finding]:
    of_streams = {key: (stream.get("config") or {}).get("num_replicas", 1) for key, stream in streams(servers).items()}
    for (account, stream, name), consumer in sorted(consumers(servers).items()):
        what, config = f"consumer {name} of stream {stream} of account {account}", consumer.get("config") or {}
        replicas = config.get("num_replicas") or of_streams.get((account, stream), 1)
        if replicas > 1 and config.get("durable_name"):
            yield from _replicas("CONSUMER", what, consumer.get("cluster") or {}, replicas)
        limit, pending = config.get("max_ack_pending", 0), consumer.get("num_ack_pending", 0)
        if 0 < limit <= pending and consumer.get("num_pending"):
            evidence = (
                f"it delivers nothing: {pending} messages wait for an acknowledgement, which is max_ack_pending, "
                f"and {consumer['num_pending']} more wait for delivery"
            )
            remedy = "Look at its clients, or raise max_ack_pending."
            acknowledged = str((consumer.get("ack_floor") or {}).get("consumer_seq", 0))
            yield warning("CONSUMER_STUCK", what, evidence, remedy, acknowledged)


def _replicas(kind: str, what: str, cluster: Answer, wanted: int) -> Iterator[Finding]:
    if not cluster.get("leader"):
        yield error(
            f"{kind}_NO_LEADER", what, "it has no leader", "Bring its servers back: it needs a majority of them."
        )
        return
    replicas = cluster.get("replicas") or []
    if len(replicas) + 1 < wanted:
        evidence = f"{len(replicas) + 1} of {wanted} replicas"
        yield error(f"{kind}_UNDER_REPLICATED", what, evidence, "Bring the missing servers back.")
    for peer in replicas:
        if peer.get("offline"):
            evidence = f"its replica on {peer['name']} is offline"
            yield error(f"{kind}_REPLICA_OFFLINE", what, evidence, "Bring the server back.")
        elif not peer.get("current"):
            lag = f", {peer['lag']} messages behind" if peer.get("lag") else ""
            evidence = f"its replica on {peer['name']} is not current{lag}"
            yield error(f"{kind}_REPLICA_NOT_CURRENT", what, evidence, "Wait for it to catch up.")


def _lag(what: str, stream: Answer) -> Iterator[Finding]:
    last = (stream.get("state") or {}).get("last_seq", 0)
    for peer in (stream.get("cluster") or {}).get("replicas") or []:
        if peer.get("current") and percent(peer.get("lag", 0), last) >= LAG_PERCENT and peer["lag"] > MIN_LAG:
            evidence = f"its replica on {peer['name']} is {peer['lag']} of {last} messages behind"
            yield warning("STREAM_LAGGING", what, evidence, "Look at disk and network of that server.")


def _limits(what: str, config: Answer, state: Answer) -> Iterator[Finding]:
    for limit, figure in (("max_msgs", "messages"), ("max_bytes", "bytes"), ("max_consumers", "consumer_count")):
        share = percent(state.get(figure, 0), config.get(limit, -1))
        if share < NEAR_LIMIT_PERCENT:
            continue
        evidence = f"{state[figure]} of {limit} {config[limit]} ({share} %)"
        if config.get("discard") == "new" or limit == "max_consumers":
            remedy = f"It refuses more at its limit: raise {limit} or consume faster."
            yield warning("STREAM_NEAR_LIMIT", what, evidence, remedy)
        else:
            yield info("STREAM_AT_LIMIT", what, evidence, "It drops its oldest messages, as discard: old says.")
    if state.get("num_subjects", 0) > MANY_SUBJECTS:
        evidence = f"{state['num_subjects']} subjects are held in memory"
        yield warning("STREAM_MANY_SUBJECTS", what, evidence, "Use fewer subjects, or give the servers more memory.")
