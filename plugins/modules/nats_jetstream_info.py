# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nats_jetstream_info
short_description: Read streams, consumers and buckets as declarations
description:
  - Returns the existing resources as options of M(messaging.nats.nats_jetstream), so that they can be applied again, to this or another cluster.
  - With O(dest) it writes a file of variables for the role P(messaging.nats.nats_resources#role).
  - With O(kubernetes), the default account is V(APP).
author:
  - The messaging.nats authors (@messaging-nats)
extends_documentation_fragment:
  - messaging.nats.connection
  - messaging.nats.attributes
  - messaging.nats.attributes.diff
  - messaging.nats.attributes.action_group
options:
  pattern:
    description: Pattern of the names of the streams to read, with V(*) and V(?). A bucket's stream is C(KV_<bucket>) or C(OBJ_<bucket>).
    type: str
    default: "*"
  consumers:
    description: Whether consumers are read too.
    type: bool
    default: true
  format:
    description:
      - V(ansible) returns what a person would write, V(cli) the JSON of the nats CLI, with durations in nanoseconds and sizes in bytes.
      - With V(cli) buckets are among RV(streams), as the streams that they are. Each entry is the file that C(nats stream add --config)
        or C(nats consumer add --config) takes, and M(messaging.nats.nats_jetstream) accepts it too.
    type: str
    choices: [ansible, cli]
    default: ansible
  owner:
    description:
      - Only resources with this owner, which is their metadata C(messaging.nats/owner). An empty text means those without an owner.
      - It is returned as the option C(owner) of each entry, and not among its C(metadata).
    type: str
  dest:
    description: Path of a file of variables to write.
    type: path
requirements:
  - PyYAML, for O(dest)
seealso:
  - module: messaging.nats.nats_jetstream
  - module: messaging.nats.nats_account_info
"""

EXAMPLES = r"""
- name: Write the existing resources to a file of variables
  messaging.nats.nats_jetstream_info:
    kubernetes:
      namespace: nats
    dest: resources.yml

- name: Read what belongs to the shop, in an account that teams share
  messaging.nats.nats_jetstream_info:
    kubernetes:
      namespace: nats
    owner: shop

- name: Read the existing resources
  messaging.nats.nats_jetstream_info:
    kubernetes:
      namespace: nats
  register: found

- name: Read the streams as the nats CLI does
  messaging.nats.nats_jetstream_info:
    kubernetes:
      namespace: nats
    format: cli
  register: read

- name: Write one file for each stream, for nats stream add --config
  ansible.builtin.copy:
    content: "{{ item | to_nice_json }}"
    dest: "{{ item.name }}.json"
    mode: "0644"
  loop: "{{ read.streams }}"

- name: Create the same resources in another cluster
  messaging.nats.nats_jetstream:
    kubernetes:
      namespace: other
    streams: "{{ found.streams }}"
    consumers: "{{ found.consumers }}"
    kv: "{{ found.kv }}"
    object_stores: "{{ found.object_stores }}"
"""

RETURN = r"""
streams:
  description: Streams that are not buckets; with O(format=cli) all of them.
  returned: success
  type: list
  elements: dict
consumers:
  description: Durable consumers. One that is paused has C(state) and C(pause_until).
  returned: success
  type: list
  elements: dict
kv:
  description: Key-value buckets.
  returned: success
  type: list
  elements: dict
object_stores:
  description: Object stores.
  returned: success
  type: list
  elements: dict
figures:
  description: What each stream holds, by its name; messages, bytes, consumer_count and others, and its leader.
  returned: success
  type: dict
not_read:
  description: Resources that can't be declared, as ephemeral consumers, or could not be read; a sentence each.
  returned: success
  type: list
  elements: str
code:
  description: The kind of failure, in capitals, for an C(assert) or a C(rescue) to decide on; C(docs/errors.md) lists them all.
  returned: failure
  type: str
cause:
  description: Why it failed.
  returned: failure
  type: str
remedy:
  description: What to do.
  returned: failure
  type: str
"""

import os
from typing import Any

from ansible.module_utils.common.yaml import HAS_YAML, yaml_dump

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.export import Export, export_declarations
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.kinds import KINDS
from ansible_collections.messaging.nats.plugins.module_utils._nats.connect import connected
from ansible_collections.messaging.nats.plugins.module_utils._nats.jetstream_api import JetStream
from ansible_collections.messaging.nats.plugins.module_utils._nats.module import NatsModule


def variables(found: Export) -> str:
    """The existing resources as a file of variables."""
    if not HAS_YAML:
        raise NatsError(
            "dest", "the Python library PyYAML is missing", "Install it: pip install pyyaml.", code="LIBRARY_MISSING"
        )
    lists = {f"nats_resources_{kind}": found.declarations[kind] for kind in KINDS if found.declarations[kind]}
    return f"---\n{yaml_dump(lists, default_flow_style=False, sort_keys=False) if lists else '{}'}"


def write(module: NatsModule, path: str, text: str) -> dict[str, Any]:
    before = ""
    try:
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                before = file.read()
        if before != text and not module.check_mode:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise NatsError(
            f"dest {path}", str(error.strerror), "Choose a path that can be written.", code="FILE_NOT_WRITABLE"
        ) from error
    return {"changed": before != text, **module.diff(before, text, path)}


def main() -> None:
    spec = {
        "pattern": {"type": "str", "default": "*"},
        "consumers": {"type": "bool", "default": True},
        "format": {"type": "str", "choices": ["ansible", "cli"], "default": "ansible"},
        "owner": {"type": "str"},
        "dest": {"type": "path"},
    }
    with NatsModule(spec) as module:
        params = module.params
        with connected(module.access, account="APP") as connection:
            jetstream = JetStream(connection, module.api_prefix)
            as_cli = params["format"] == "cli"
            work = export_declarations(jetstream, params["pattern"], params["consumers"], params["owner"], as_cli)
            found = connection.run(work)
        written = write(module, params["dest"], variables(found)) if params["dest"] else {"changed": False}
        module.exit_json(**found.declarations, figures=found.figures, not_read=found.not_read, **written)


if __name__ == "__main__":
    main()
