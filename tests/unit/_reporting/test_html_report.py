# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of a cluster: everything is on it, nothing in it is markup from outside, and it stays small."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from html.parser import HTMLParser

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._health.findings import error, info, warning
from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import NotAsked, Snapshot
from ansible_collections.messaging.nats.plugins.module_utils._reporting.html_report import report
from ansible_collections.messaging.nats.plugins.module_utils._reporting.markup import VOID
from tests.support.pages import cluster

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
HOSTILE = "<script>alert('1')</script>\"&"


class Page(HTMLParser):
    """What a browser would make of it, and that every element ends."""

    def __init__(self, text):
        super().__init__()
        self.elements: list[str] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(self.words)


WELL = cluster(3, 3)
FINDINGS = [
    info("SINGLE_REPLICA", "account APP", "one stream", "Give it three."),
    error("SERVER_DOWN", "server nats-2", "no answer", "Look at its log."),
    warning("CPU_HIGH", "server nats-0", "93 %", "Spread the load."),
]


@pytest.mark.parametrize(
    ("findings", "verdict"),
    [([], "healthy"), (FINDINGS[:1], "healthy"), (FINDINGS[2:], "in doubt"), (FINDINGS, "unhealthy")],
)
def test_the_verdict_is_the_first_word(findings, verdict):
    assert f"NATS cluster nats: {verdict}" in Page(report(WELL, findings, NOW)).text


def test_every_finding_is_there_the_worst_first():
    text = Page(report(WELL, FINDINGS, NOW)).text
    assert all(part in text for found in FINDINGS for part in (found.code, found.object, found.evidence, found.remedy))
    assert text.index("SERVER_DOWN") < text.index("CPU_HIGH") < text.index("SINGLE_REPLICA")


def test_servers_streams_and_what_waits_are_there():
    text = Page(report(WELL, [], NOW)).text
    for words in (
        "3 of 3 servers answer",
        "2026-01-02 03:04:05 UTC",
        "nats-0: meta leader, leads 1 streams",
        "● leads",
    ):
        assert words in text
    assert "25 % of 4.0 GiB" in text
    assert "Consumers with waiting messages (2 of 3)" in text


def test_a_silent_server_is_drawn_as_such():
    page = report(replace(WELL, answers=WELL.answers[:2]), [], NOW)
    assert "nats-2: no answer, leads 0 streams" in Page(page).text
    assert page.count('class="away"') == 3  # the server, and the routes to it


def test_replicas_that_are_behind_or_away_come_first():
    troubled = cluster(3, 2)
    peers = troubled.answers[0]["data"]["account_details"][0]["stream_detail"][0]["cluster"]["replicas"]
    peers[0] |= {"current": False, "lag": 1234}
    peers[1] |= {"offline": True}
    text = Page(report(troubled, [], NOW)).text
    assert "◌ 1,234 behind" in text
    assert "✕ offline" in text
    assert text.index("S0") < text.index("S1")


def test_names_from_outside_are_text():
    page = report(cluster(3, 2, name=HOSTILE + "{}"), [error("X_Y", HOSTILE, HOSTILE, HOSTILE)], NOW)
    assert "<script" not in page
    assert "script" not in Page(page).elements
    assert Page(page).text.count(HOSTILE) == 3 + 2 + 1


def test_a_large_cluster_makes_a_small_page():
    page = report(cluster(9, 500), [], NOW)
    assert len(page.encode()) < 500_000
    assert "450 more, all with every replica current" in page
    assert all(f"S{number}" in page for number in range(500))


def test_nobody_answers():
    page = Page(report(Snapshot(("nats-0",), system_not_asked=NotAsked("connection refused")), FINDINGS[1:2], NOW)).text
    assert "The system account could not be asked: connection refused" in page
    assert "0 of 1 servers answer" in page


def test_nothing_is_fetched_from_elsewhere():
    page = report(cluster(9, 500), FINDINGS, NOW)
    assert "default-src &#x27;none&#x27;" in page
    assert not {"script", "link", "img", "iframe"} & set(Page(page).elements)
    assert "http" not in page.replace("http-equiv", "")
