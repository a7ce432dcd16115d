# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nats_kv
short_description: Declare a key-value bucket of JetStream
description:
  - Creates, updates and deletes key-value buckets, as clients do; a bucket is a stream C(KV_<bucket>).
  - A field whose option is not written stays as it is, and so do fields that other tools set and this module does not know.
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
  bucket:
    description: Name of the bucket; letters, digits, C(_) and C(-).
    type: str
    required: true
  state:
    description:
      - V(present) and V(absent) say whether the bucket should exist.
    type: str
    choices: [present, absent]
    default: present
  description:
    description: What the bucket is for.
    type: str
  history:
    description: Number of values that are kept of each key, 1 to 64.
    type: int
  ttl:
    description: Maximum age of a value, a duration. V(0s) for no limit, otherwise at least V(100ms).
    type: str
  limit_marker_ttl:
    description: How long a marker stays after a key has expired, at least V(1s). It also allows a time to live for single keys. Needs nats-server 2.11.
    type: str
  max_value_size:
    description: Largest value in bytes, V(-1) for no limit. Written as O(max_bytes).
    type: str
  max_bytes:
    description: Largest number of bytes, V(-1) for no limit. V(10M) is 10^7, V(10MB) and V(10MiB) are 10 * 2^20.
    type: str
  storage:
    description: Where it is kept. Fixed at creation.
    type: str
    choices: [file, memory]
  num_replicas:
    description: Number of servers that keep a copy, 1 to 5. The server's default is 1.
    type: int
  placement:
    description: On which servers the bucket may be, V({}) for any. A change moves the data and needs O(allow_move).
    type: dict
    suboptions:
      cluster:
        description: Name of the cluster.
        type: str
      tags:
        description: Tags that its servers must have.
        type: list
        elements: str
  republish:
    description: Where values are published again.
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
  mirror:
    description: The bucket that this one is a copy of. Fixed at creation; V({}) makes the copy an ordinary bucket, which can't be undone.
    type: dict
    suboptions: &origin
      name:
        description: Name of the bucket.
        type: str
      opt_start_seq:
        description: Sequence to begin with.
        type: int
      opt_start_time:
        description: Time to begin with, RFC 3339.
        type: str
      filter_subject:
        description: Only keys of this subject, written as C($KV.<bucket>.<key>).
        type: str
      subject_transforms:
        description: Subjects to rename. By default the other bucket's keys become keys of this one.
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
        description: JetStream domain that the bucket is in, the short form of C(external) with the C(api) C($JS.<domain>.API). The two exclude one another.
        type: str
      external:
        description: Where the bucket is, when it is in another account or domain.
        type: dict
        suboptions:
          api:
            description: Prefix of its JetStream API.
            type: str
          deliver:
            description: Prefix of the subjects it delivers to.
            type: str
      consumer:
        description: Consumer that delivers the values; it must exist. Needs nats-server 2.14.
        type: dict
        suboptions:
          name:
            description: Name of the consumer.
            type: str
          deliver_subject:
            description: Subject it delivers to.
            type: str
  sources:
    description: Buckets whose values are copied into this one.
    type: list
    elements: dict
    suboptions: *origin
  compression:
    description: Whether values are compressed on disk.
    type: bool
  metadata:
    description: Labels of your own. Keys that are not written stay.
    type: dict
seealso:
  - module: messaging.nats.nats_stream
  - module: messaging.nats.nats_jetstream
  - module: messaging.nats.nats_object_store
"""

EXAMPLES = r"""
- name: Settings with their last five values
  messaging.nats.nats_kv:
    kubernetes:
      namespace: nats
    bucket: settings
    history: 5
    num_replicas: 3

- name: Sessions, which end after an hour and are only in memory
  messaging.nats.nats_kv:
    kubernetes:
      namespace: nats
    bucket: sessions
    ttl: 1h
    storage: memory
    num_replicas: 3

- name: Delete a bucket with its values
  messaging.nats.nats_kv:
    kubernetes:
      namespace: nats
    bucket: settings
    state: absent
    allow_data_loss: true
"""

RETURN = r"""
bucket:
  description: The bucket's configuration as a person would write it, empty when it is absent. In check mode what it would be.
  returned: success
  type: dict
state:
  description: The figures of the bucket's stream; messages, bytes, num_subjects and others, as the server returns them.
  returned: when the bucket exists and not in check mode
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

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.key_value import KV
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.module import declare


def main() -> None:
    declare(KV, "bucket")


if __name__ == "__main__":
    main()
