# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a cluster does not keep its data, as a table of what was looked at."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._health.findings import error
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import Snapshot
from ansible_collections.messaging.nats.plugins.module_utils._reporting.diagnosis import diagnose, diagnosis_page
from tests.support.evidence import PODS, WELL, event, first, pod, seen


def pending(*events, **more):
    return first(pod("nats-0", phase="Pending"), events=events, **more)


def claim(phase, wanted="standard"):
    return {"metadata": {"name": "data-nats-0"}, "spec": {"storageClassName": wanted}, "status": {"phase": phase}}


def jsz(storage, more=None):
    stream = {"name": "S", "config": {"storage": storage}}
    data = {"account_details": [{"name": "APP", "stream_detail": [stream]}], **(more or {})}
    return Snapshot(PODS, answers=({"server": {"name": "nats-0"}, "data": data},))


MISSING = error("SERVER_DOWN", "pod nats-0", "no answer", "Look.")


# What was looked at; the codes of the causes, in their order; words of the first cause.
CASES = {
    "no such storage class, told once": (
        pending(
            event("nats-0", "FailedScheduling", "pod has unbound immediate PersistentVolumeClaims"),
            claims=[claim("Pending", "fast")],
        ),
        ["VOLUME_PENDING"],
        "there is no StorageClass fast, only standard",
    ),
    "a provisioner that fails": (
        replace(WELL, claims=[claim("Pending")], events=[event("data-nats-0", "ProvisioningFailed", "no space")]),
        ["VOLUME_PENDING"],
        "ProvisioningFailed: no space",
    ),
    "a volume that waits for its pod": (replace(WELL, claims=[claim("Pending")]), [], ""),
    "a volume that is gone": (replace(WELL, claims=[claim("Lost")]), ["VOLUME_LOST"], "Its data is lost"),
    "a store that is no volume": (
        first(pod("nats-0", volume={"emptyDir": {}})),
        ["DATA_NOT_PERSISTENT"],
        "its store is on emptyDir",
    ),
    "a store beside its volume": (seen("nats-0", mounted_on="/"), ["STORE_NOT_ON_VOLUME"], "its store is on /"),
    "a volume that fills": (seen("nats-0", percent_used=90), ["VOLUME_FULL"], "90 % full"),
    "a store that can't be written": (seen("nats-0", writable=False), ["STORE_NOT_WRITABLE"], "may not write"),
    "few files": (seen("nats-0", file_limit=1024), ["FILE_LIMIT"], "the limit is 1024"),
    "many files": (seen("nats-0", open_files=60000), ["FILE_LIMIT"], "60000 files are open"),
    "a configuration that waits for a restart": (seen("nats-0", refusal="bad"), ["CONFIG_REFUSED"], "in the pod: bad"),
    "streams in memory": (replace(WELL, snapshot=jsz("memory")), ["MEMORY_STREAMS"], "S of account APP"),
    "streams in memory where there is nothing else": (
        replace(WELL, snapshot=jsz("memory", {"config": {"max_storage": 0}})),
        [],
        "",
    ),
    "streams on disk": (replace(WELL, snapshot=jsz("file")), [], ""),
}


@pytest.mark.parametrize(("facts", "codes", "words"), CASES.values(), ids=list(CASES))
def test_why_data_is_not_kept(facts, codes, words):
    diagnoses = diagnose(facts)
    assert [diagnosis.finding.code for diagnosis in diagnoses] == codes
    assert words in diagnosis_page(facts, diagnoses[:1])
