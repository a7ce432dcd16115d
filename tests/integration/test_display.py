# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a client named so that it would move a terminal's cursor, or read as something else, is shown by its escapes. A real server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HOSTILE = "S\x1b[2J\x7f\x9b1m\u202eX"
RAW = ("\x1b", "\x7f", "\x9b", "\u202e")


@pytest.fixture
def shown(tmp_path, account):
    """All that a play with these tasks prints, in each format of results."""

    def run(*tasks, form):
        of_play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": list(tasks)}
        playbook = tmp_path / "play.yml"
        playbook.write_text(
            json.dumps([of_play | {"vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}}])
        )
        done = subprocess.run(
            [str(Path(sys.executable).with_name("ansible-playbook")), "--inventory=localhost,", "-v", str(playbook)],
            env=os.environ | {"ANSIBLE_CALLBACK_RESULT_FORMAT": form, "ANSIBLE_NOCOLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    return run


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_names_of_others_reach_no_terminal_as_they_are(shown, account, jetstream, form):
    jetstream(f"STREAM.CREATE.{HOSTILE}", name=HOSTILE, subjects=["hostile"], description=HOSTILE)
    name = "{{ found.streams[0].name }}"
    said = shown(
        {"messaging.nats.nats_jetstream_info": account, "register": "found"},
        {"ansible.builtin.debug": {"msg": f"there is {name}"}},
        {"messaging.nats.nats_cluster_show": {"text": HOSTILE}},
        {"messaging.nats.nats_cluster_show": {"problems": [HOSTILE]}, "ignore_errors": True},
        {"messaging.nats.nats_stream": account | {"name": "OTHER", "subjects": ["hostile"]}},
        form=form,
    )
    assert "x1b[2J" in said
    assert not [character for character in RAW if character in said]
    assert "overlap" in said, said
    assert said.count("\\u202eX") >= 6
