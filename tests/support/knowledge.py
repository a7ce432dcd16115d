# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snapshots of which less and less is known, for the rule that no safeguard opens for want of an answer.

@given(snapshots(), st.data())
def test_this_gate(found, data):
    unheard_is_no_consent(lambda snapshot: what_is_refused(…, snapshot, …), found, data)
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import Unasked
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import (
    KubernetesView,
    Listed,
    NotAsked,
    Pod,
    Snapshot,
    answered,
)
from tests.support.placed import ACCOUNT, Answer, answers

# A gate says what stands against something; nothing is consent.
Gate = Callable[[Snapshot], Sequence[str]]
NAMES = ("n1", "n2", "n3")
MARKS = ("", "", "", "~", "!")
STREAMS = ("R", "S", "T")


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Three servers that all answer: streams anywhere, leaders or none, peers behind and away, pods up and down."""
    placed, consumers, configs = {}, {}, {}
    for stream in draw(st.sets(st.sampled_from(STREAMS))):
        placed[stream] = draw(_group())
        configs[stream] = {
            "storage": draw(st.sampled_from(("file", "memory"))),
            "num_replicas": draw(st.sampled_from((1, 3))),
        }
        if draw(st.booleans()):
            consumers[f"{stream}/c"] = draw(_group())
    meta = draw(st.none() | st.just(" ".join(NAMES)) | _group(all_of_them=True))
    told = answers(" ".join(NAMES), placed, consumers, meta=meta, configs=configs)
    for answer in told.values():
        _differ(draw, answer)
    checks = tuple({"server": told[name]["server"], "data": {"status_code": draw(_code())}} for name in NAMES)
    varz = tuple({"server": told[name]["server"], "data": {"start": "then"}} for name in NAMES)
    listed = tuple(draw(st.sets(st.sampled_from((*STREAMS, "LOST")))) | placed.keys())
    return Snapshot(
        NAMES,
        answers=tuple(told.values()),
        varz=varz,
        healthz=checks,
        kubernetes=draw(
            st.none() | st.just(KubernetesView({name: Pod(name, "Running", down=False) for name in NAMES}))
        ),
        accounts={ACCOUNT: Listed(listed, dict.fromkeys(listed, ("c",)))},
    )


def _code() -> st.SearchStrategy[int]:
    return st.sampled_from((200, 200, 200, 503))


@st.composite
def _group(draw: st.DrawFn, all_of_them: bool = False) -> str:
    names = draw(st.permutations(NAMES))
    count = len(names) if all_of_them else draw(st.integers(1, len(names)))
    leader = draw(st.sampled_from(("-", *[names[0]] * 4))) if not all_of_them else names[0]
    return " ".join([leader, *(draw(st.sampled_from(MARKS)) + name for name in names[1:count])])


def _differ(draw: st.DrawFn, answer: Answer) -> None:
    """Each server has a state of its own, and followers say what they like of leaders and peers."""
    for account in answer["data"]["account_details"]:
        account["stream_detail"] = copy.deepcopy(account["stream_detail"])
        for stream in account["stream_detail"]:
            last = draw(st.sampled_from((5000, 5000, 0)))
            stream |= {"state": {"last_seq": last, "messages": last, "bytes": last}, "created": "then"}
            for asset in (stream, *stream["consumer_detail"]):
                if asset["cluster"].get("leader") != answer["server"]["name"] and draw(st.booleans()):
                    asset["cluster"] = {
                        "leader": draw(st.none() | st.sampled_from([name for name in NAMES if name != _name(answer)])),
                        "replicas": [{"name": name, "current": draw(st.booleans())} for name in NAMES],
                    }


def poorer(snapshot: Snapshot) -> Iterator[Snapshot]:
    """The same with one thing less that is known."""
    for kind in ("answers", "varz", "healthz"):
        told = getattr(snapshot, kind)
        for position in range(len(told)):
            yield replace(snapshot, **{kind: told[:position] + told[position + 1 :]})
    for account in snapshot.accounts:
        left = {name: listed for name, listed in snapshot.accounts.items() if name != account}
        yield replace(snapshot, accounts=left)
        yield replace(snapshot, accounts=left, unasked={**snapshot.unasked, account: NotAsked("no answer in time")})
    if snapshot.kubernetes is not None:
        yield replace(snapshot, kubernetes=None)
        pods = snapshot.kubernetes.pods
        for name, pod in pods.items():
            if pod.down is not None:
                yield replace(snapshot, kubernetes=KubernetesView({**pods, name: replace(pod, down=None)}))
    for reason in Unasked:
        told_why = NotAsked("the login failed", reason=reason)
        yield replace(snapshot, answers=(), varz=(), healthz=(), system_not_asked=told_why)


def unheard_is_no_consent(gate: Gate, snapshot: Snapshot, data: st.DataObject) -> None:
    """Takes answers away, one after the other, and fails where a gate that refused opens."""
    refused = [*gate(snapshot)]
    while snapshot.answers:
        less = data.draw(st.sampled_from([*poorer(snapshot)]))
        found = [*gate(less)]
        assert found or not refused, f"refused with {refused}, open without {_taken(snapshot, less)}"
        snapshot, refused = less, found


def _taken(snapshot: Snapshot, less: Snapshot) -> dict[str, Any]:
    return {
        "answers": answered(snapshot).keys() - answered(less).keys(),
        "accounts": snapshot.accounts.keys() - less.accounts.keys(),
        "kubernetes": (snapshot.kubernetes, less.kubernetes),
    }


def _name(answer: Answer) -> str:
    name: str = answer["server"]["name"]
    return name
