# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How causes and the findings of the health check become one ranked list."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._health.findings import error, info, warning
from ansible_collections.messaging.nats.plugins.module_utils._reporting.diagnosis import diagnose, diagnosis_page
from tests.support.evidence import WELL, ended

MISSING = error("SERVER_DOWN", "pod nats-0", "no answer", "Look.")


# What was looked at; the codes of the causes, in their order; words of the first cause.
CASES = {
    "nothing is wrong": (WELL, [], ""),
    "what health says beside": (
        replace(
            WELL, findings=[info("SINGLE_REPLICA", "account APP", "1", "x"), warning("CPU_HIGH", "server a", "9", "y")]
        ),
        ["CPU_HIGH", "SINGLE_REPLICA"],
        "9",
    ),
    "errors before warnings, causes before effects": (
        replace(
            ended("nats-server: /etc/nats/nats.conf:2:1: unknown field"),
            findings=[
                MISSING,
                error("META_NO_QUORUM", "cluster", "none", "Wait."),
                warning("CPU_HIGH", "server a", "9", "y"),
            ],
        ),
        ["CONFIG_REFUSED", "CPU_HIGH"],
        "Explains: SERVER_DOWN pod nats-0; META_NO_QUORUM cluster",
    ),
    "a server that is away for no known reason": (replace(WELL, findings=[MISSING]), ["SERVER_DOWN"], "no answer"),
}


@pytest.mark.parametrize(("facts", "codes", "words"), CASES.values(), ids=list(CASES))
def test_causes_come_before_their_effects(facts, codes, words):
    diagnoses = diagnose(facts)
    assert [diagnosis.finding.code for diagnosis in diagnoses] == codes
    assert words in diagnosis_page(facts, diagnoses[:1])


def test_what_may_not_be_read_is_named():
    text = diagnosis_page(replace(WELL, nodes=None, classes=None), [])
    assert "Not looked at, because the login may not read them: nodes, storage classes." in text
    assert "Nothing is wrong." in text
