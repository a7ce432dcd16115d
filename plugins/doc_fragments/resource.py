# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options that reset fields of a JetStream resource and that allow changes with a loss."""

    DOCUMENTATION = r"""
options:
  exact:
    description:
      - Whether fields that are not written are reset to the server's defaults. Otherwise they stay as the server has them.
      - A default is the one of this server and this account, whose limits may lower C(duplicate_window), C(max_ack_pending) and C(max_batch).
    type: bool
    default: false
  unset:
    description: Names of fields that are reset to the server's defaults.
    type: list
    elements: str
    default: []
  recreate:
    description:
      - What to do when a field has to change that the server fixes at creation.
      - V(never) refuses the change. V(if_empty) deletes and creates the resource again where nothing is lost by that.
        V(always) does so in any case, and needs O(allow_data_loss) where messages, consumers or a consumer's position are lost by it.
      - With nats-server 2.14 and newer a recreated consumer with the same C(deliver_policy) continues at its position.
    type: str
    choices: [never, if_empty, always]
    default: never
  allow_data_loss:
    description:
      - Allow changes that delete messages or make them undeliverable; deleting a stream with messages or consumers, purging, a limit below what is stored,
        filters that drop messages which a consumer has not processed, losing a consumer's position.
      - The resulting configuration counts, whichever options it comes from, and the messages and consumers that the stream has.
    type: bool
    default: false
  allow_irreversible:
    description: Allow changes that the server never takes back; sealing, switches that can only be turned on, making a mirror a stream of its own.
    type: bool
    default: false
  allow_move:
    description: Allow a change of C(placement), which moves the data. More or fewer replicas need no permission.
    type: bool
    default: false
  owner:
    description:
      - Who the resources belong to, in an account that several teams share. It is kept as metadata C(messaging.nats/owner) of what is created and changed.
      - A resource of another owner is refused. One without an owner is taken over, except with O(exact) where that would reset fields.
      - Neither O(exact) nor an empty C(metadata) removes the label. An empty text is no owner; then a label protects from patterns only.
    type: str
  wait_timeout:
    description: Seconds to wait until all replicas are current after a change of C(num_replicas) or C(placement).
    type: float
    default: 30
"""

    MANAGE = r"""
options:
  manage:
    description:
      - V(full) creates, changes and deletes.
      - V(keep) never deletes; neither with C(state=absent) nor by O(recreate), and a kept consumer keeps its stream.
      - V(observe) writes nothing. The differences are in RV(differences), in a warning and in the diff, and nothing counts as changed.
        The owner is not compared.
    type: str
    choices: [full, keep, observe]
    default: full
"""
