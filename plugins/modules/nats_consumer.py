# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nats_consumer
short_description: Declare a JetStream consumer
description:
  - Creates, updates, pauses, resumes, resets and deletes durable consumers of NATS JetStream.
  - Options are named as the server names them. A field whose option is not written stays as the server has it,
    and so do fields that other tools set and this module does not know.
  - Filters that another consumer of a work queue has are refused before the server is asked, which would list a consumer that does not exist.
  - With O(kubernetes), the default account is V(APP).
author:
  - The messaging.nats authors (@messaging-nats)
extends_documentation_fragment:
  - messaging.nats.connection
  - messaging.nats.attributes
  - messaging.nats.attributes.diff
  - messaging.nats.attributes.action_group
  - messaging.nats.resource
  - messaging.nats.resource.manage
options:
  stream:
    description: Name of the stream.
    type: str
    required: true
  name:
    description: Name of the consumer. It is durable. Required if O(durable_name) is not set.
    type: str
  durable_name:
    description: The same as O(name). If both are set, they have to be equal.
    type: str
  state:
    description:
      - V(present) and V(absent) say whether the consumer should exist.
      - V(paused) delivers nothing until O(pause_until), V(resumed) delivers again; both create the consumer where it is missing.
      - V(reset) delivers again from O(reset_seq) on, or all messages that are not acknowledged. Needs nats-server 2.14.
      - On an existing consumer, V(paused), V(resumed) and V(reset) change no other option.
    type: str
    choices: [present, absent, paused, resumed, reset]
    default: present
  pause_until:
    description: Time until which V(paused) holds, RFC 3339, for example V(2030-01-31T12:00:00Z). Needs nats-server 2.11.
    type: str
  reset_seq:
    description: Sequence of the stream from which V(reset) delivers again.
    type: int
  description:
    description: What the consumer is for.
    type: str
  deliver_policy:
    description: Where delivery begins. Fixed at creation.
    type: str
    choices: [all, last, new, by_start_sequence, by_start_time, last_per_subject]
  opt_start_seq:
    description: Sequence to begin with, for V(by_start_sequence). Fixed at creation.
    type: int
  opt_start_time:
    description: Time to begin with, RFC 3339, for V(by_start_time). Fixed at creation.
    type: str
  ack_policy:
    description:
      - Whether messages are acknowledged one by one, all up to one, or not at all. Fixed at creation; V(explicit) by default.
      - V(flow_control) needs nats-server 2.14.
    type: str
    choices: [explicit, all, none, flow_control]
  ack_wait:
    description: How long to wait for an acknowledgement before delivering again. The server's default is V(30s). With O(backoff), its first value counts.
    type: str
  max_deliver:
    description: How often a message is delivered at most, V(-1) for no limit.
    type: int
  backoff:
    description: How long to wait before each further delivery, durations.
    type: list
    elements: str
  filter_subject:
    description: Only messages of this subject. Excludes O(filter_subjects).
    type: str
  filter_subjects:
    description: Only messages of these subjects, which must not overlap.
    type: list
    elements: str
  replay_policy:
    description: Whether messages come at once or as far apart as they were published. Fixed at creation.
    type: str
    choices: [instant, original]
  rate_limit_bps:
    description: Largest number of bits per second, for a push consumer.
    type: int
  sample_freq:
    description: Percentage of acknowledgements that are sampled, for example V(50).
    type: str
  max_waiting:
    description: Largest number of waiting requests, for a pull consumer. Fixed at creation; the server's default is 512.
    type: int
  max_ack_pending:
    description: Largest number of messages that are delivered and not acknowledged, V(-1) for no limit. The server's default is 1000.
    type: int
  headers_only:
    description: Whether only headers are delivered.
    type: bool
  max_batch:
    description: Largest number of messages of one request.
    type: int
  max_expires:
    description: Longest time that a request waits, a duration.
    type: str
  max_bytes:
    description: Largest number of bytes of one request. V(10M) is 10^7, V(10MB) and V(10MiB) are 10 * 2^20.
    type: str
  deliver_subject:
    description: Subject to deliver to; it makes a push consumer.
    type: str
  deliver_group:
    description: Queue group that shares a push consumer.
    type: str
  idle_heartbeat:
    description: How often a push consumer without messages sends a heartbeat, at least V(100ms). Fixed at creation.
    type: str
  flow_control:
    description: Whether a push consumer waits for a slow receiver. Fixed at creation.
    type: bool
  inactive_threshold:
    description: How long the consumer is kept without clients, V(0s) for no limit.
    type: str
  num_replicas:
    description: Number of servers that keep its state, V(0) for as many as the stream's.
    type: int
  mem_storage:
    description: Whether its state is kept in memory. Fixed at creation.
    type: bool
  priority_policy:
    description: How requests of several clients are ordered. Needs nats-server 2.11, V(prioritized) 2.12.
    type: str
    choices: [none, overflow, pinned_client, prioritized]
  priority_groups:
    description: Names of the groups that O(priority_policy) is about. Needs nats-server 2.11.
    type: list
    elements: str
  priority_timeout:
    description: How long a pinned client stays pinned without a request, a duration. Needs nats-server 2.11.
    type: str
  metadata:
    description: Labels of your own. Keys that are not written stay.
    type: dict
seealso:
  - module: messaging.nats.nats_stream
  - module: messaging.nats.nats_jetstream
"""

EXAMPLES = r"""
- name: A consumer whose workers share the new orders
  messaging.nats.nats_consumer:
    kubernetes:
      namespace: nats
    stream: ORDERS
    name: workers
    filter_subject: orders.new
    ack_wait: 1m
    max_deliver: 5
    max_ack_pending: 200

- name: Pause a consumer during maintenance
  messaging.nats.nats_consumer:
    kubernetes:
      namespace: nats
    stream: ORDERS
    name: workers
    state: paused
    pause_until: "2030-01-31T12:00:00Z"
"""

RETURN = r"""
consumer:
  description: The consumer's configuration as a person would write it, empty when it is absent. In check mode what it would be.
  returned: success
  type: dict
  sample: {name: workers, durable_name: workers, filter_subject: orders.new, ack_wait: 1m}
state:
  description: The consumer's figures; delivered, ack_floor, num_pending, num_ack_pending and others, as the server returns them.
  returned: when the consumer exists and not in check mode
  type: dict
differences:
  description: How the resource differs from its declaration, for each option C(actual) and C(declared); empty where it does not.
  returned: with O(manage=observe)
  type: dict
  sample: {num_replicas: {actual: 1, declared: 3}}
err_code:
  description: The number of the server's error.
  returned: when the server refused
  type: int
cause:
  description: Why it failed.
  returned: failure
  type: str
remedy:
  description: What to do.
  returned: failure
  type: str
code:
  description: The kind of failure, in capitals, for an C(assert) or a C(rescue) to decide on; C(docs/errors.md) lists them all.
  returned: failure
  type: str
"""

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.consumer import CONSUMER
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.module import declare


def main() -> None:
    declare(CONSUMER, "consumer")


if __name__ == "__main__":
    main()
