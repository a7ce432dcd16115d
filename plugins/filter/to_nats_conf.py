# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: to_nats_conf
short_description: Write nats.conf from data
author:
  - The messaging.nats authors (@messaging-nats)
description:
  - Turns a dictionary into the text of a nats.conf that the server reads back exactly, in the order of the dictionary.
  - Strings stand in double quotes with V(\\) and V(") escaped, so a password may hold anything.
    Only one that begins with V($2) is refused, unless it is a whole bcrypt hash, because the server takes it for one.
  - A size such as V(10MB) becomes a number of bytes under the keys that want one, because the server refuses it in quotes.
  - A key whose value is null is left out.
  - This filter is private to the collection and may change in any release.
options:
  _input:
    description:
      - >-
        The configuration. C({"$env": "NAME"}) as a value becomes the reference V($NAME) to an environment variable.
    type: dict
    required: true
"""

EXAMPLES = r"""
---
# max_payload: 10485760
# server_name: $SERVER_NAME
# jetstream {
#   store_dir: "/data"
# }
- name: Show a configuration
  ansible.builtin.debug:
    msg: "{{ conf | messaging.nats.to_nats_conf }}"
  vars:
    conf:
      max_payload: 10MB
      server_name: {$env: SERVER_NAME}
      jetstream: {store_dir: /data}
"""

RETURN = r"""
---
_value:
  description: The text of nats.conf.
  type: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.messaging.nats.plugins.module_utils._common import nats_conf_writer as nats_conf


def to_nats_conf(data: Mapping[str, Any]) -> str:
    try:
        return nats_conf.to_nats_conf(data)
    except ValueError as error:
        raise AnsibleFilterError(f"to_nats_conf: {error}") from error


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"to_nats_conf": to_nats_conf}
