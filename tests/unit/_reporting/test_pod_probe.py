# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a look from inside a pod is read as."""

from __future__ import annotations

from ansible_collections.messaging.nats.plugins.module_utils._reporting.pod_probe import Inside, Peer, read

SAID = """== volume
/dev/vda             264212084  24612416  70888848  26% /data
== writable
yes
== files
Max open files            20000                20001                files
== open
19
== configuration
nats-server: configuration file /etc/nats/nats.conf is valid (sha256:9e12)
== peer nats-1
10.244.3.3
INFO {"server_id":"N","server_name":"nats-1","cluster":"nats"}
ended 0
== peer nats-2
10.244.3.4
ended 1
== peer nats-3
10.244.3.5
ended 0
== peer nats-4
10.244.3.6
ended 143
== peer nats-9

ended 1
"""


def test_everything_is_read():
    peers = {
        "nats-1": Peer("10.244.3.3", True, "nats-1", "nats"),
        "nats-2": Peer("10.244.3.4"),
        "nats-3": Peer("10.244.3.5", True),
        "nats-4": Peer("10.244.3.6", True),
        "nats-9": Peer(),
    }
    assert read(SAID) == Inside("/data", 264212084, 26, True, 20000, 19, "", peers)


def test_a_refusal_is_told():
    text = "== configuration\nnats-server: /etc/nats/nats.conf:3:1: unknown field\n== writable\n"
    assert read(text) == Inside(refusal="/etc/nats/nats.conf:3:1: unknown field", writable=False)


def test_nothing_is_read_as_nothing():
    assert read("sh: not found") == Inside(writable=False)
