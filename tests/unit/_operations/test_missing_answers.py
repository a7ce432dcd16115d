# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking answers away from a snapshot never turns a refusal into consent."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.messaging.nats.plugins.module_utils._health.snapshot import answered, heard
from ansible_collections.messaging.nats.plugins.module_utils._operations.membership import membership_problems
from ansible_collections.messaging.nats.plugins.module_utils._operations.removal_gate import (
    against_being_without,
    against_doing_without,
    against_giving_up,
    against_its_copies,
)
from ansible_collections.messaging.nats.plugins.module_utils._operations.restart_gate import (
    against_going_on,
    against_stopping,
)
from tests.support.knowledge import NAMES, poorer, snapshots, unheard_is_no_consent

# A gate of one snapshot, and of what was before and what is now; each with the server that it is about.
GATES = {
    "restart": against_stopping,
    "drain": against_doing_without,
    "replace": lambda found, server: [*against_doing_without(found, server), *against_giving_up(found, server)],
    "join": lambda found, _server: membership_problems(answered(found), NAMES),
}
COMPARING = {
    "restarted": against_going_on,
    "drained": against_being_without,
    "replaced": lambda before, now, server: [
        *against_going_on(before, now, server),
        *against_its_copies(before, now, server),
    ],
}
settings.register_profile("gates", max_examples=60, deadline=None)
settings.load_profile("gates")


@pytest.mark.parametrize("gate", GATES.values(), ids=GATES)
@given(found=snapshots(), server=st.sampled_from(NAMES), data=st.data())
def test_a_gate_that_refuses_does_not_open_for_want_of_an_answer(gate, found, server, data):
    unheard_is_no_consent(lambda snapshot: gate(snapshot, server), found, data)


@pytest.mark.parametrize("gate", COMPARING.values(), ids=COMPARING)
@given(before=snapshots(), now=snapshots(), server=st.sampled_from(NAMES), data=st.data())
def test_nothing_goes_on_for_want_of_an_answer(gate, before, now, server, data):
    unheard_is_no_consent(lambda snapshot: gate(before, snapshot, server), now, data)


@pytest.mark.parametrize("gate", COMPARING.values(), ids=COMPARING)
@given(before=snapshots(), now=snapshots(), server=st.sampled_from(NAMES), data=st.data())
def test_nothing_goes_on_for_want_of_what_was_before(gate, before, now, server, data):
    unheard_is_no_consent(lambda snapshot: gate(snapshot, now, server), before, data)


@given(found=snapshots())
def test_a_snapshot_says_who_answered_what(found):
    assert heard(found) == {name: {"JSZ", "VARZ", "HEALTHZ"} for name in NAMES}
    without = replace(found, healthz=found.healthz[1:])
    assert heard(without)["n1"] == {"JSZ", "VARZ"}
    assert all(less != found for less in poorer(found))
