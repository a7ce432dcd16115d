# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nats_jetstream
short_description: Declare streams, consumers and buckets, many at once
description:
  - Does what M(messaging.nats.nats_stream), M(messaging.nats.nats_consumer), M(messaging.nats.nats_kv) and
    M(messaging.nats.nats_object_store) do, for whole lists over one connection. A thousand streams take about as long as one.
  - An invalid entry refuses the whole task, before anything is changed. Where the server refuses some entries, the others are done all the same,
    and the task fails with the results of all entries.
  - Streams that give up subjects are changed before those that take them. Each resource is read again right before it is changed;
    what somebody else changed in the meantime is kept, and a warning names it.
  - With O(kubernetes), the default account is V(APP).
author:
  - The messaging.nats authors (@messaging-nats)
extends_documentation_fragment:
  - messaging.nats.connection
  - messaging.nats.attributes
  - messaging.nats.attributes.diff
  - messaging.nats.attributes.action_group
  - messaging.nats.resource
options:
  streams:
    description: Streams, each with the options of M(messaging.nats.nats_stream). An entry's own C(allow_data_loss) and the like beat those of the task.
    type: list
    elements: dict
    default: []
  consumers:
    description: Consumers, each with the options of M(messaging.nats.nats_consumer). They are changed after all streams.
    type: list
    elements: dict
    default: []
  kv:
    description: Key-value buckets, each with the options of M(messaging.nats.nats_kv).
    type: list
    elements: dict
    default: []
  object_stores:
    description: Object stores, each with the options of M(messaging.nats.nats_object_store).
    type: list
    elements: dict
    default: []
  prune:
    description:
      - Deletes streams that are not declared in any of the lists; a stream whose consumer is declared stays too.
        Streams that hold messages or have consumers need O(allow_data_loss).
      - Buckets and the servers' own streams (C(KV_), C(OBJ_), C($)) are spared unless the pattern itself begins with that.
    type: dict
    suboptions:
      pattern:
        description: Pattern of the names of the streams that may be deleted, with V(*) and V(?).
        type: str
        required: true
      max:
        description: Largest number of streams to delete. Where more match, nothing is changed.
        type: int
        required: true
seealso:
  - module: messaging.nats.nats_jetstream_info
  - module: messaging.nats.nats_stream
  - module: messaging.nats.nats_consumer
  - module: messaging.nats.nats_kv
  - module: messaging.nats.nats_object_store
  - plugin: messaging.nats.nats_resources
    plugin_type: role
"""

EXAMPLES = r"""
- name: What the shop needs
  messaging.nats.nats_jetstream:
    kubernetes:
      namespace: nats
    streams:
      - {name: ORDERS, subjects: [orders.>], retention: workqueue, num_replicas: 3}
      - {name: EVENTS, subjects: [events.>], max_age: 24h, num_replicas: 3}
    consumers:
      - {stream: ORDERS, name: workers, ack_wait: 1m}
    kv:
      - {bucket: settings, history: 5, num_replicas: 3}
    prune:
      pattern: SHOP_*
      max: 5

- name: What another cluster has, as it was exported there
  messaging.nats.nats_jetstream:
    kubernetes:
      namespace: nats
    streams: "{{ exported.streams }}"
    consumers: "{{ exported.consumers }}"
    kv: "{{ exported.kv }}"
    object_stores: "{{ exported.object_stores }}"
  vars:
    exported: "{{ lookup('ansible.builtin.file', 'exported.yml') | from_yaml }}"
  register: declared

- name: See what was changed
  ansible.builtin.debug:
    var: declared.resources
"""

RETURN = r"""
resources:
  description: Each resource in the order streams, kv, object_stores, consumers, pruned; what it is and whether it changed or failed.
  returned: always
  type: list
  elements: dict
  sample: [{kind: stream, name: ORDERS, changed: true}]
cause:
  description: Why it failed.
  returned: failure
  type: str
remedy:
  description: What to do.
  returned: failure
  type: str
code:
  description:
    - The kind of failure, in capitals, for an C(assert) or a C(rescue) to decide on; C(docs/errors.md) lists them all.
    - Each failed resource in RV(resources) has its own. The task has the same code where all failed resources have the same, otherwise V(SEVERAL_FAILURES).
  returned: failure
  type: str
"""

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.argument_spec import GUARDS, RESETS
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.bulk import (
    Prune,
    common_code,
    converge_all,
    declared_resources,
    differences,
    resource_result,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.kinds import KINDS
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planner import Policy
from ansible_collections.messaging.nats.plugins.module_utils._nats.connect import connected
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream
from ansible_collections.messaging.nats.plugins.module_utils._nats.module import NatsModule


def main() -> None:
    suboptions = {"pattern": {"type": "str", "required": True}, "max": {"type": "int", "required": True}}
    spec = {kind: {"type": "list", "elements": "dict", "default": []} for kind in KINDS}
    more = {"prune": {"type": "dict", "options": suboptions}, "wait_timeout": {"type": "float", "default": 30}}
    with NatsModule(spec | GUARDS | RESETS | more) as module:
        params = module.params
        items = declared_resources(
            {kind: params[kind] for kind in KINDS}, {name: params[name] for name in GUARDS | RESETS}
        )
        policy = Policy(frozenset({"allow_data_loss"} if params["allow_data_loss"] else ()))
        prune = Prune(**params["prune"]) if params["prune"] else None
        with connected(module.access, account="APP") as connection:
            jetstream = JetStream(connection, module.api_prefix)
            work = converge_all(jetstream, items, prune, policy, module.check_mode, params["wait_timeout"])
            outcomes = connection.run(work)
        for warning in filter(None, (outcome.warning for outcome in outcomes)):
            module.warn(warning)
        changes = list(differences(outcomes))
        before = {title: old for title, old, _new in changes}
        after = {title: new for title, _old, new in changes}
        results = [resource_result(outcome) for outcome in outcomes]
        found = {
            "changed": any(result["changed"] for result in results),
            "resources": results,
            **module.diff(before, after, "JetStream"),
        }
        if failed := [result["msg"] for result in results if result.get("failed")]:
            done = "would be" if module.check_mode else "are"
            others = f", the others {done} done" if len(failed) < len(results) else ""
            module.fail_json(
                msg=f"{len(failed)} of {len(results)} failed{others}:\n" + "\n".join(failed),
                cause=failed[0],
                remedy="Correct these entries and run it again.",
                code=common_code(outcomes),
                **found,
            )
        module.exit_json(**found)


if __name__ == "__main__":
    main()
