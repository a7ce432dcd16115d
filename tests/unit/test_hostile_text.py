# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever servers, accounts, streams, clients and events are called: a page has the same lines and elements, and nothing that nobody sees."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from datetime import datetime, timezone

import pytest
from hypothesis import given

from ansible_collections.messaging.nats.plugins.module_utils._common.display_text import displayable
from ansible_collections.messaging.nats.plugins.module_utils._common.known_secrets import KnownSecrets
from ansible_collections.messaging.nats.plugins.module_utils._health.evaluate import evaluate
from ansible_collections.messaging.nats.plugins.module_utils._reporting.diagnosis import diagnose, diagnosis_page
from ansible_collections.messaging.nats.plugins.module_utils._reporting.html_report import report
from ansible_collections.messaging.nats.plugins.module_utils._reporting.status_page import status_page
from ansible_collections.messaging.nats.plugins.module_utils._reporting.support_bundle import Bundle
from tests.support.evidence import WELL, ended, event, first, pod
from tests.support.hostile_names import GENERATED, HOSTILE, Skeleton, invisible, renamed
from tests.support.snapshots import FOLDER, recorded

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
STATES = sorted(path.stem for path in FOLDER.glob("*.json"))


def names_in(snapshot):
    """What somebody chose: the names of servers, clusters, accounts, streams and consumers."""
    found = {*snapshot.expected, snapshot.cluster_name, *snapshot.accounts}
    for answer in snapshot.answers:
        found |= {answer["server"]["name"], answer["server"].get("cluster")}
        for account in answer["data"].get("account_details") or ():
            found.add(account["name"])
            for stream in account.get("stream_detail") or ():
                found |= {stream["name"], *(consumer["name"] for consumer in stream.get("consumer_detail") or ())}
    return sorted(found - {None, ""})


@pytest.mark.parametrize("state", STATES)
def test_a_page_has_the_same_lines_and_elements_under_any_names(state):
    recording, _found = recorded(FOLDER / f"{state}.json")

    def under(suffix):
        """Names that end in this: they keep their order, in which a page shows them."""
        snapshot = renamed(recording, {name: name + suffix for name in names_in(recording)})
        findings = evaluate(snapshot)
        logs = {f"nats-0{suffix}": "[1] x" + " ".join(suffix.splitlines())}
        return findings, report(snapshot, findings, NOW), displayable(status_page(snapshot, findings, [], logs, NOW))

    findings, page, text = under("-harmless")
    expected = [one.code for one in findings], Skeleton(page).parts, text.count("\n")

    @GENERATED
    @given(HOSTILE)
    def examples(hostile):
        # A space in a name is a finding of its own.
        findings, page, text = under(hostile.replace(" ", "\u3000"))
        assert ([one.code for one in findings], Skeleton(page).parts, text.count("\n")) == expected
        assert not invisible(page + text)
        # Messages show them one to a line.
        assert not [one for one in findings if "\n" in displayable(str(one))]

    examples()


TROUBLED = {
    "pending": first(
        pod("nats-0", phase="Pending"), events=[event("nats-0", "FailedScheduling", "0/3 nodes are available")]
    ),
    "log": ended("nats-server: /etc/nats/nats.conf:2:1: unknown field"),
    "findings": replace(WELL, findings=evaluate(recorded(FOLDER / "two_of_three_down.json")[0])),
}


@pytest.mark.parametrize("case", TROUBLED)
def test_a_diagnosis_has_the_same_lines_under_any_names(case):
    facts = TROUBLED[case]
    lines = diagnosis_page(facts, diagnose(facts)).split("\n")

    @GENERATED
    @given(HOSTILE)
    def examples(hostile):
        names = (
            "nats-0",
            "nats-1",
            "n1",
            "n2",
            "worker",
            "0/3 nodes are available",
            "S",
            "T0",
            facts.ended.get("nats-0"),
        )
        there = renamed(facts, {name: name + hostile for name in names if name})
        found = diagnose(there)
        page = displayable(diagnosis_page(there, found))
        assert len(page.split("\n")) == len(lines), page
        assert not invisible(page)

    examples()


def test_a_bundle_can_be_read_under_any_names(tmp_path):
    """Its JSON is parsed by `nats audit analyze`, its paths stay in it, and two names have two files."""

    @GENERATED
    @given(HOSTILE, HOSTILE)
    def examples(one, other):
        path = tmp_path / "bundle.zip"
        names = [one, other] if one != other else [one]
        with Bundle(str(path), NOW, KnownSecrets(["S3cret-" + one])) as bundle:
            for name in names:
                bundle.capture("connections", {"name": name, "cluster": name}, {name: [name]}, name, name)
            bundle.beside("kubernetes/events.json", [{"message": f"{one} S3cret-{one}"}])
        with zipfile.ZipFile(path) as archive:
            files = {name: archive.read(name).decode() for name in archive.namelist()}
            assert len(files) == len(archive.infolist()) == len(names) + 2
        for name, text in files.items():
            assert json.loads(text)
            assert not invisible(name + text)
            assert ".." not in name.split("/")
            assert not name.startswith("/")
            assert "S3cret" not in text

    examples()
