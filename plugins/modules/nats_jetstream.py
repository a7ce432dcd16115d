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
  - An invalid entry refuses the whole task, before anything is changed, and so does a limit of the account that the whole would exceed.
    Where the server refuses some entries, the others are done all the same, and the task fails with the results of all entries.
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
    description:
      - Streams, each with the options of M(messaging.nats.nats_stream). An entry's own C(allow_data_loss), C(owner) and the like beat those of the task.
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
  check_limits:
    description:
      - Whether the whole is compared with the limits of the account before anything is made; C(max_streams), C(max_consumers), the storage and
        the memory that C(max_bytes) and C(num_replicas) reserve, and the limits of one stream. Where it exceeds one, nothing is changed.
      - Where the user may not ask for the limits, the servers refuse what exceeds them.
    type: bool
    default: true
  also_declared:
    description: What other tasks declare, in lists of the same names. It counts against the limits, and this task changes nothing of it.
    type: dict
    suboptions:
      streams:
        description: As O(streams).
        type: list
        elements: dict
        default: []
      consumers:
        description: As O(consumers).
        type: list
        elements: dict
        default: []
      kv:
        description: As O(kv).
        type: list
        elements: dict
        default: []
      object_stores:
        description: As O(object_stores).
        type: list
        elements: dict
        default: []
  prune:
    description:
      - Deletes streams that are not declared in any of the lists; a stream whose consumer is declared stays too.
        Streams that hold messages or have consumers need O(allow_data_loss).
      - Only streams with the label of O(owner) are deleted; without it, only streams without an owner.
        A stream in which another owner has consumers is refused.
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
  matching:
    description:
      - One change for all existing resources of a kind whose names match a pattern. It creates and deletes nothing, and passes
        the same checks as entries that are written out.
      - A resource that is declared by its name in the same task is left out, and so are streams that the task deletes, with their consumers.
      - With O(owner), only resources with its label are changed; without, only those without an owner.
        An C(owner) in O(matching[].set) takes over those without an owner too.
      - A resource that two entries match gets the options of both. If these set one option differently, the whole task is refused.
    type: list
    elements: dict
    default: []
    suboptions:
      pattern:
        description:
          - Pattern of the names, with V(*) and V(?); of a bucket without C(KV_) or C(OBJ_).
          - With V(stream), buckets and the servers' own streams are meant only where the pattern itself begins with their prefix.
        type: str
        required: true
      kind:
        description: What is changed. Ephemeral consumers are left out.
        type: str
        choices: [stream, consumer, kv, object_store]
        required: true
      stream:
        description: Only for V(consumer), a pattern of the names of their streams; V(*) by default, for which the same holds as for C(pattern).
        type: str
      set:
        description:
          - The options that they get, those of an entry of this kind without its name, C(state) and C(exact).
            O(exact) and O(unset) of the task don't apply.
        type: dict
        required: true
seealso:
  - module: messaging.nats.nats_jetstream_info
  - module: messaging.nats.nats_stream
  - module: messaging.nats.nats_consumer
  - module: messaging.nats.nats_kv
  - module: messaging.nats.nats_object_store
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

- name: In an account that teams share, declare and prune only what belongs to this one
  messaging.nats.nats_jetstream:
    kubernetes:
      namespace: nats
    owner: shop
    streams:
      - {name: SHOP_ORDERS, subjects: [shop.orders.>]}
      # Another team's: differences are reported, nothing is written.
      - {name: BILLING, max_age: 720h, manage: observe}
    prune:
      pattern: "*"
      max: 5

- name: Three replicas for all streams of the shop, and a limit for all workers
  messaging.nats.nats_jetstream:
    kubernetes:
      namespace: nats
    matching:
      - {pattern: SHOP_*, kind: stream, set: {num_replicas: 3}}
      - {pattern: worker-*, kind: consumer, stream: SHOP_*, set: {max_ack_pending: 500}}
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
  description:
    - Each resource in the order streams, kv, object_stores, consumers, pruned, matching; what it is and whether it changed or failed.
    - One with C(manage=observe) has C(differences), by option C(actual) and C(declared).
  returned: always
  type: list
  elements: dict
  sample: [{kind: stream, name: ORDERS, changed: true}]
matching:
  description:
    - For each entry of O(matching) the resources that it changes or finds as they should be in C(found), those that it leaves out with the reason
      in C(left_out), and both in one sentence in C(summary), also where nothing matches.
  returned: with O(matching)
  type: list
  elements: dict
  sample:
    - pattern: SHOP_*
      kind: stream
      summary: 2 streams match SHOP_*, 1 left out
      found: [{name: SHOP_ORDERS}]
      left_out: [{name: SHOP_BILLS, why: it belongs to billing}]
not_pruned:
  description: Streams that match O(prune.pattern) and are not declared, and that stay because of their owner; each with C(name) and C(why).
  returned: with O(prune)
  type: list
  elements: dict
  sample: [{name: SHOP_BILLS, why: it belongs to billing}]
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

from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.argument_spec import GUARDS, OWNER, RESETS
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.bulk import (
    Converged,
    Declaration,
    common_code,
    converge_all,
    declared_resources,
    differences,
    resource_result,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.kinds import KINDS
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.matching import LIST_OF_KIND, matching_entries
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.mode import Mode
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.patterns import Prune
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.planner import Policy
from ansible_collections.messaging.nats.plugins.module_utils._nats.connect import connected
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream
from ansible_collections.messaging.nats.plugins.module_utils._nats.module import NatsModule

MATCHING = {
    "pattern": {"type": "str", "required": True},
    "kind": {"type": "str", "choices": list(LIST_OF_KIND), "required": True},
    "stream": {"type": "str"},
    "set": {"type": "dict", "required": True},
}
PRUNE = {"pattern": {"type": "str", "required": True}, "max": {"type": "int", "required": True}}
MORE = {
    "prune": {"type": "dict", "options": PRUNE},
    "matching": {"type": "list", "elements": "dict", "default": [], "options": MATCHING},
    "check_limits": {"type": "bool", "default": True},
    "wait_timeout": {"type": "float", "default": 30},
}


def converged(module: NatsModule) -> Converged:
    """Does what the options say."""
    params = module.params
    guards = {name: params[name] for name in GUARDS | OWNER}
    defaults = guards | {name: params[name] for name in RESETS}
    items = declared_resources({kind: params[kind] for kind in KINDS}, defaults)
    others = declared_resources(params["also_declared"] or {}, defaults)
    counted = others if params["check_limits"] else None
    matching = matching_entries(params["matching"], guards)
    allowed = frozenset({"allow_data_loss"} if params["allow_data_loss"] else ())
    policy = Policy(allowed, owner=(params["owner"] or "").strip())
    prune = Prune(**params["prune"]) if params["prune"] else None
    declaration = Declaration(items, prune, policy, matching, guards, counted)
    mode = Mode(module.check_mode, params["wait_timeout"])
    with connected(module.access, account="APP") as connection:
        return connection.run(converge_all(JetStream(connection, module.api_prefix), declaration, mode))


def patterns_result(module: NatsModule, done: Converged) -> dict[str, Any]:
    """What the patterns of the task have found."""
    matching = {"matching": [match.result() for match in done.matches]} if module.params["matching"] else {}
    pruning = {"not_pruned": [one.result() for one in done.not_pruned]} if module.params["prune"] else {}
    return matching | pruning


def main() -> None:
    spec = {kind: {"type": "list", "elements": "dict", "default": []} for kind in KINDS}
    lists = {kind: dict(entries) for kind, entries in spec.items()}
    more = {"also_declared": {"type": "dict", "options": lists}}
    with NatsModule(spec | GUARDS | RESETS | OWNER | MORE | more) as module:
        done = converged(module)
        outcomes = done.outcomes
        for warning in filter(None, (outcome.warning for outcome in outcomes)):
            module.warn(warning)
        changes = list(differences(outcomes))
        before = {title: old for title, old, _new in changes}
        after = {title: new for title, _old, new in changes}
        results = [resource_result(outcome) for outcome in outcomes]
        found = {
            "changed": any(result["changed"] for result in results),
            "resources": results,
            **patterns_result(module, done),
            **module.diff(before, after, "JetStream"),
        }
        if failed := [result["msg"] for result in results if result.get("failed")]:
            how = "would be" if module.check_mode else "are"
            others = f", the others {how} done" if len(failed) < len(results) else ""
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
