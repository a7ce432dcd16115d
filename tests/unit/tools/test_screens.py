# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kept texts of the verbs: what of an output they are, and that the documentation shows them."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.tools.screens import BLOCK, PAGE, SCREENS, page_with, screen

OUTPUT = """
PLAY [Restart every server of NATS, one at a time] *****************************

TASK [messaging.nats.nats_cluster : deploy | roll | Restart servers] ***********
  nats-2: 3 leaders handed over, it restarts
  nats-2: back after 4.1 s
changed: [localhost]

TASK [messaging.nats.nats_cluster : Say what was done, and what comes next] ****
Server nats-1 of cluster nats in namespace words-1 was restarted in 5.3 s. The cluster is healthy.
Next: look at it: K8S_AUTH_KUBECONFIG=/home/x/kubeconfig ansible-playbook messaging.nats.status -e nats_cluster_namespace=words-1
ok: [localhost]

PLAY RECAP *********************************************************************
localhost                  : ok=9    changed=1    unreachable=0    failed=0    skipped=0
"""
FAILURE = r"""
TASK [messaging.nats.nats_cluster : deploy | preflight | Check every variable] ***
[ERROR]: Task failed: Action failed: nats_cluster_replicas: 4 servers are no safer
Origin: /home/x/roles/preflight.yml:6:3

4
5 ---
6 - name: deploy
    ^ column 3

fatal: [localhost]: FAILED! => {"cause": "c", "changed": false, "msg": "a: \"b\" is wrong\nc: 4", "remedy": "r"}
"""


def test_a_screen_is_what_the_verb_says():
    assert screen(OUTPUT) == (
        "Server nats-1 of cluster nats in namespace demo was restarted in 12 s. The cluster is healthy.\n"
        "Next: look at it: ansible-playbook messaging.nats.status -e nats_cluster_namespace=demo\n"
    )


def test_a_failure_is_its_message():
    assert screen(FAILURE) == 'FAILED: a: "b" is wrong\nc: 4\n'


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("  nats-0  0 %  23 MiB (5 %)  1  2", "  nats-0  …  …  …  …"),
        ("  pod     node   status   ready", "  pod  node  status  ready"),
        ("it listens on 10.244.2.3:6222", "it listens on 10.0.0.1"),
        ("The report is /tmp/run/words-nats.html: one page", "The report is demo-nats.html: one page"),
        ("Secret nats-config-71e72555c4", "Secret nats-config-0123456789"),
        ("for node messaging-nats-demo-worker3, where", "for node worker2, where"),
        ("            nats-1 (meta leader)", "            nats-1"),
        ("in 5.3 s; 3 leaders were handed over before.", "in 12 s; 1 leader was handed over before."),
    ],
)
def test_what_is_another_each_time_is_replaced(line, kept):
    assert screen(line) == kept + "\n"


def test_the_page_shows_the_kept_texts():
    shown = {block["name"]: block["text"] + "\n" for block in BLOCK.finditer(PAGE.read_text())}
    assert shown
    assert shown == {name: (SCREENS / f"{name}.txt").read_text() for name in shown}


def test_a_kept_text_replaces_the_one_of_its_block_alone():
    page = "".join(f"<!-- screen {name} -->\n\n```text\nold\n```\n" for name in ("one", "two"))
    assert page_with(page, "two", "new\n") == page.replace("old", "new").replace("new", "old", 1)
