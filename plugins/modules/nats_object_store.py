# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nats_object_store
short_description: Declare an object store of JetStream
description:
  - Creates, updates, seals and deletes object stores, as clients do; a bucket is a stream C(OBJ_<bucket>).
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
      - V(sealed) forbids any change to an existing bucket, and can't be undone.
    type: str
    choices: [present, absent, sealed]
    default: present
  description:
    description: What the bucket is for.
    type: str
  ttl:
    description: Maximum age of an object, a duration. V(0s) for no limit, otherwise at least V(100ms).
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
  compression:
    description: Whether objects are compressed on disk.
    type: bool
  metadata:
    description: Labels of your own. Keys that are not written stay.
    type: dict
seealso:
  - module: messaging.nats.nats_kv
  - module: messaging.nats.nats_jetstream
"""

EXAMPLES = r"""
- name: Reports of the last month
  messaging.nats.nats_object_store:
    kubernetes:
      namespace: nats
    bucket: reports
    ttl: 720h
    max_bytes: 1GiB
    num_replicas: 3

- name: Compressed images without an end
  messaging.nats.nats_object_store:
    kubernetes:
      namespace: nats
    bucket: images
    compression: true
    num_replicas: 3

- name: Delete a store with its objects
  messaging.nats.nats_object_store:
    kubernetes:
      namespace: nats
    bucket: reports
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

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.module import declare
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.object_store import OBJECT_STORE


def main() -> None:
    declare(OBJECT_STORE, "bucket")


if __name__ == "__main__":
    main()
