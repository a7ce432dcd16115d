#!/usr/bin/python
# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nats_stream
short_description: Declare a JetStream stream
description:
  - Creates, updates, purges, seals and deletes streams of NATS JetStream.
  - Options are named as the server names them. A field whose option is not written stays as the server has it,
    and so do fields that other tools set and this module does not know.
  - A change that would delete messages, can't be undone or moves data is refused unless it is allowed.
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
  name:
    description: Name of the stream.
    type: str
    required: true
  state:
    description:
      - V(present) and V(absent) say whether the stream should exist.
      - V(purged) deletes messages of an existing stream. V(sealed) forbids any change to one, and can't be undone. Neither changes another option.
    type: str
    choices: [present, absent, purged, sealed]
    default: present
  purge:
    description:
      - What O(state=purged) deletes; all messages by default. Needs O(allow_data_loss).
      - O(purge.seq) and O(purge.keep) exclude one another.
    type: dict
    suboptions:
      filter:
        description: Only messages of this subject, with wildcards. An empty one is refused, since it may be a variable without a value.
        type: str
      seq:
        description: Only messages before this sequence.
        type: int
      keep:
        description: The number of newest messages to keep.
        type: int
  description:
    description: What the stream is for.
    type: str
  subjects:
    description: Subjects whose messages it stores, with wildcards. The server's default is the stream's name.
    type: list
    elements: str
  retention:
    description:
      - When messages are deleted; by limits, when all consumers have acknowledged them, or when the first consumer has.
      - An existing stream can't change from or to V(workqueue).
    type: str
    choices: [limits, interest, workqueue]
  max_consumers:
    description: Largest number of consumers, V(-1) for no limit.
    type: int
  max_msgs:
    description: Largest number of messages, V(-1) for no limit.
    type: int
  max_bytes:
    description: Largest number of bytes, V(-1) for no limit. V(10M) is 10^7, V(10MB) and V(10MiB) are 10 * 2^20.
    type: str
  max_msgs_per_subject:
    description: Largest number of messages of one subject, V(-1) for no limit.
    type: int
  max_msg_size:
    description: Largest message in bytes, V(-1) for no limit. Written as O(max_bytes).
    type: str
  max_age:
    description: Maximum age of a message, for example V(24h), V(1h30m) or an integer of nanoseconds. V(0s) for no limit, otherwise at least V(100ms).
    type: str
  duplicate_window:
    description: How long message ids are remembered. The server's default is V(2m), or O(max_age) where that is shorter.
    type: str
  discard:
    description: Whether a full stream drops its oldest messages or refuses new ones.
    type: str
    choices: [old, new]
  discard_new_per_subject:
    description: Whether O(discard=new) holds for O(max_msgs_per_subject) too.
    type: bool
  storage:
    description: Where messages are kept. Fixed at creation.
    type: str
    choices: [file, memory]
  num_replicas:
    description: Number of servers that keep a copy, 1 to 5. The server's default is 1.
    type: int
  placement:
    description: On which servers the stream may be, V({}) for any. A change moves the data and needs O(allow_move).
    type: dict
    suboptions:
      cluster:
        description: Name of the cluster.
        type: str
      tags:
        description: Tags that its servers must have.
        type: list
        elements: str
  no_ack:
    description: Whether publishers get no acknowledgement.
    type: bool
  mirror:
    description: The stream that this one is a copy of. Fixed at creation; V({}) makes the copy an ordinary stream, which can't be undone.
    type: dict
    suboptions: &origin
      name:
        description: Name of the stream.
        type: str
      opt_start_seq:
        description: Sequence to begin with.
        type: int
      opt_start_time:
        description: Time to begin with, RFC 3339.
        type: str
      filter_subject:
        description: Only messages of this subject.
        type: str
      subject_transforms:
        description: Subjects to rename.
        type: list
        elements: dict
        suboptions:
          src:
            description: Subject to rename, with wildcards.
            type: str
          dest:
            description: Its new name.
            type: str
      domain:
        description: JetStream domain that the stream is in, the short form of C(external) with the C(api) C($JS.<domain>.API). The two exclude one another.
        type: str
      external:
        description: Where the stream is, when it is in another account or domain.
        type: dict
        suboptions:
          api:
            description: Prefix of its JetStream API.
            type: str
          deliver:
            description: Prefix of the subjects it delivers to.
            type: str
      consumer:
        description: Consumer that delivers the messages; it must exist. Needs nats-server 2.14.
        type: dict
        suboptions:
          name:
            description: Name of the consumer.
            type: str
          deliver_subject:
            description: Subject it delivers to.
            type: str
  sources:
    description: Streams whose messages are copied into this one.
    type: list
    elements: dict
    suboptions: *origin
  add:
    description:
      - Single subjects and sources of a stream that others share. The rest of the list stays as it is when the stream is written.
      - A subject that another one of the stream includes is not added. A source is the same where its O(add.sources[].name), its
        O(add.sources[].domain) or O(add.sources[].external), its O(add.sources[].filter_subject) and its O(add.sources[].subject_transforms)
        are; other keys of it are changed.
      - A stream that does not exist is created with them. A list excludes the option of the same name, O(subjects) or O(sources).
    type: dict
    suboptions: &lists
      subjects:
        description: Subjects, with wildcards.
        type: list
        elements: str
      sources:
        description: Sources, each written as in O(sources).
        type: list
        elements: dict
        suboptions: *origin
  remove:
    description:
      - Single subjects and sources to take from a stream that others share. What the stream does not have is no change.
      - What identifies a source is said for O(add). To take away the last subject or source is refused.
      - A task with nothing but O(remove) does not create a stream that does not exist.
    type: dict
    suboptions: *lists
  compression:
    description: How messages are compressed on disk.
    type: str
    choices: [none, s2]
  first_seq:
    description: Sequence of the first message. Has an effect at creation only.
    type: int
  subject_transform:
    description: How subjects are renamed when they are stored.
    type: dict
    suboptions:
      src:
        description: Subject to rename, with wildcards.
        type: str
      dest:
        description: Its new name.
        type: str
  republish:
    description: Where stored messages are published again.
    type: dict
    suboptions:
      src:
        description: Subjects to publish again, with wildcards.
        type: str
      dest:
        description: Subject to publish them to.
        type: str
      headers_only:
        description: Whether only the headers are published.
        type: bool
  allow_direct:
    description: Whether any replica answers reads of single messages.
    type: bool
  mirror_direct:
    description: Whether the mirror answers reads of single messages for its origin. The server copies it from a visible origin.
    type: bool
  deny_delete:
    description: Whether single messages can't be deleted. Can't be turned off again.
    type: bool
  deny_purge:
    description: Whether the stream can't be purged. Can't be turned off again.
    type: bool
  allow_rollup_hdrs:
    description: Whether a message may replace all earlier ones by a header.
    type: bool
  consumer_limits:
    description: Limits for the stream's consumers.
    type: dict
    suboptions:
      inactive_threshold:
        description: How long a consumer without clients is kept at most, a duration.
        type: str
      max_ack_pending:
        description: Largest number of messages that are delivered and not acknowledged.
        type: int
  allow_msg_ttl:
    description: Whether messages may carry a time to live. Can't be turned off again. Needs nats-server 2.11.
    type: bool
  subject_delete_marker_ttl:
    description: How long a marker stays after a subject's last message has expired, at least V(1s). Needs nats-server 2.11.
    type: str
  allow_msg_counter:
    description: Whether messages are counters. Fixed at creation. Needs nats-server 2.12.
    type: bool
  allow_atomic:
    description: Whether batches may be published atomically. Needs nats-server 2.12.
    type: bool
  allow_msg_schedules:
    description: Whether messages may be scheduled. Can't be turned off again. Needs nats-server 2.12.
    type: bool
  persist_mode:
    description: Whether a message is acknowledged before it is written to disk. Fixed at creation. Needs nats-server 2.12.
    type: str
    choices: [default, async]
  allow_batched:
    description: Whether batches may be published fast. Needs nats-server 2.14.
    type: bool
  metadata:
    description: Labels of your own. Keys that are not written stay.
    type: dict
seealso:
  - module: messaging.nats.nats_consumer
  - module: messaging.nats.nats_jetstream
  - module: messaging.nats.nats_kv
"""

EXAMPLES = r"""
- name: Keep the events of a day on three servers
  messaging.nats.nats_stream:
    kubernetes:
      namespace: nats
    name: EVENTS
    subjects: [events.>]
    storage: file
    retention: limits
    max_msgs: -1
    max_age: 24h
    num_replicas: 3

- name: Add a subject to a stream of several teams, and take another one away
  messaging.nats.nats_stream:
    kubernetes:
      namespace: nats
    name: EVENTS
    add:
      subjects: [billing.>]
    remove:
      subjects: [invoices.>]

- name: Collect the orders of a site, whatever other sites there are
  messaging.nats.nats_stream:
    kubernetes:
      namespace: nats
    name: ALL_ORDERS
    add:
      sources:
        - {name: ORDERS, domain: berlin}

- name: Delete a stream with its messages
  messaging.nats.nats_stream:
    servers: [nats://127.0.0.1:4222]
    user: app
    password: "{{ password }}"
    name: EVENTS
    state: absent
    allow_data_loss: true

- name: A copy of a stream for reports, with the messages of one subject
  messaging.nats.nats_stream:
    kubernetes:
      namespace: nats
    name: EVENTS_BERLIN
    mirror:
      name: EVENTS
      filter_subject: events.berlin.>
    num_replicas: 1

- name: Several streams gathered in one
  messaging.nats.nats_stream:
    kubernetes:
      namespace: nats
    name: ALL
    sources:
      - name: ORDERS
      - name: EVENTS
        filter_subject: events.important.>
    num_replicas: 3

- name: Delete all messages of one subject but the ten newest
  messaging.nats.nats_stream:
    kubernetes:
      namespace: nats
    name: EVENTS
    state: purged
    purge:
      filter: events.test.>
      keep: 10
    allow_data_loss: true

- name: Never change this stream again
  messaging.nats.nats_stream:
    kubernetes:
      namespace: nats
    name: AUDIT_2025
    state: sealed
    allow_irreversible: true
"""

RETURN = r"""
stream:
  description: The stream's configuration as a person would write it, empty when it is absent. In check mode what it would be.
  returned: success
  type: dict
  sample: {name: EVENTS, subjects: [events.>], max_age: 24h0m0s, num_replicas: 3}
state:
  description: The stream's figures; messages, bytes, first_seq, last_seq, consumer_count and others, as the server returns them.
  returned: when the stream exists and not in check mode
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

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.module import declare
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.stream import STREAM


def main() -> None:
    declare(STREAM, "stream")


if __name__ == "__main__":
    main()
