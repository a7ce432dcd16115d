# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nats-server's own parser reads what was meant from what we write, and what we read from what others wrote.

HOSTILE_EXAMPLES is the number of generated configurations of each kind; a campaign has 20000.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_reader import read_nats_conf
from ansible_collections.messaging.nats.plugins.module_utils._common.nats_conf_writer import to_nats_conf
from tests.support.nats_conf import DATA, EDIT, HAND_WRITTEN, SMALL, SOUP, Refused, edited, meant, parser, same

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = int(os.environ.get("HOSTILE_EXAMPLES", "300"))
GENERATED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def server():
    running = parser()
    yield running
    running.close()


def attempt(work, value, refusal):
    """What is made of a value, or None and why it is refused."""
    try:
        return work(value), ""
    except refusal as error:
        return None, str(error)


def test_the_parser_is_of_the_version_that_is_deployed():
    module = (ROOT / "tests" / "support" / "nats_conf_parser" / "go.mod").read_text()
    deployed = yaml.safe_load((ROOT / "roles" / "nats_cluster" / "defaults" / "main.yml").read_text())
    assert re.findall(r"nats-server/v2 v(\S+)", module) == [deployed["nats_cluster_version"]]


def test_the_server_reads_what_was_meant(server):
    seen: Counter[bool] = Counter()

    @GENERATED
    @given(DATA)
    def examples(data):
        text, _why = attempt(to_nats_conf, data, ValueError)
        seen[text is None] += 1
        if text is not None:
            assert same(server.read(text), meant(data)), text

    examples()
    assert seen[False] > EXAMPLES // 4


def test_we_read_what_the_server_reads_or_say_that_we_do_not_know_the_language(server):
    """What of the language the reader does not know is in its docstring, and all the rest is read."""
    seen: Counter[frozenset[str]] = Counter()
    refused: set[str] = set()

    @GENERATED
    @given(HAND_WRITTEN)
    def examples(part):
        theirs, _refusal = attempt(server.read, part.text, Refused)
        ours, why = attempt(read_nats_conf, part.text, ValueError)
        if theirs is None:
            return
        if ours is None:
            assert part.unknown or "repeats a key" in why, part
            refused.update(part.unknown if len(part.unknown) == 1 else ())
        else:
            assert same(theirs, meant(ours)), part
            seen[part.unknown] += 1

    examples()
    assert seen[frozenset()] > EXAMPLES // 10
    # A key with the name of a variable is refused where the variable is used as well, and a space is read before a brace.
    assert not set().union(*seen) - {"shadowing_key", "space"}, seen
    assert len(refused) > 5, refused


def test_no_edit_of_a_text_makes_us_read_something_else(server):
    seen: Counter[bool] = Counter()

    def compare(text):
        theirs, refusal = attempt(server.read, text, Refused)
        ours, _why = attempt(read_nats_conf, text, ValueError)
        # The variables of a server's environment, and numbers that it can't hold, are not the reader's business.
        if ours is not None and not re.search("can not be found|out of the range", refusal):
            assert same(theirs, meant(ours)), (text, refusal)
            seen[bool(ours)] += 1

    @GENERATED
    @given(SMALL.map(to_nats_conf), st.lists(EDIT, min_size=1, max_size=2), SOUP)
    def examples(text, edits, soup):
        compare(edited(text, edits))
        compare(soup)

    examples()
    assert seen[True] > EXAMPLES // 40
