# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """How far a declaration of a JetStream resource goes, and what it may cost."""

    DOCUMENTATION = r"""
options:
  exact:
    description: Whether fields that are not written go back to the server's defaults. Otherwise they are left as the server has them.
    type: bool
    default: false
  unset:
    description: Names of fields that go back to the server's defaults.
    type: list
    elements: str
    default: []
  recreate:
    description:
      - What to do when a field has to change that the server fixes at creation.
      - V(never) refuses it. V(if_empty) deletes and creates the resource anew where that deletes nothing else.
        V(always) does so in any case, and needs O(allow_data_loss) where messages, consumers or a consumer's position go with it.
      - A consumer with the same C(deliver_policy) goes on where it was, with nats-server 2.14 and newer.
    type: str
    choices: [never, if_empty, always]
    default: never
  allow_data_loss:
    description:
      - Allow what deletes messages or makes them undeliverable; deleting a stream with messages or consumers, purging, a limit below what is stored,
        filters that drop messages which a consumer has not processed, a position that is lost.
      - What counts is the configuration that will hold, whatever it was written as, and what the stream and its consumers hold.
    type: bool
    default: false
  allow_irreversible:
    description: Allow what the server never takes back; sealing, switches that can only be turned on, making a mirror a stream of its own.
    type: bool
    default: false
  allow_move:
    description: Allow a change of C(placement), which moves the data. More or fewer replicas need no permission.
    type: bool
    default: false
  wait_timeout:
    description: Seconds to wait until all replicas are current after a change of C(num_replicas) or C(placement).
    type: float
    default: 30
"""
