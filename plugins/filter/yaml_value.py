# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: yaml_value
short_description: Write a value on one line of YAML
author:
  - The messaging.nats authors (@messaging-nats)
description:
  - Encodes any value so that YAML reads back exactly this value in its place, and nothing beside it.
  - Strings stand in double quotes. A character that YAML forbids, or that it would read as the end of a line, is escaped,
    and a character beyond the basic plane stays one character, which C(to_json) does not ensure.
  - This filter is private to the collection and may change in any release.
options:
  _input:
    description: The value.
    type: raw
    required: true
"""

EXAMPLES = r"""
---
# priorityClassName: "a\"\n      hostNetwork: true"
- name: Show one string, not another key
  ansible.builtin.debug:
    msg: "priorityClassName: {{ \"a\\\"\\n      hostNetwork: true\" | messaging.nats.yaml_value }}"
"""

RETURN = r"""
---
_value:
  description: The value as YAML.
  type: str
"""

import json
import re
from collections.abc import Callable
from typing import Any

# What a stream of YAML can't hold, or folds as the end of a line; control characters below a space are escaped in JSON.
_ESCAPED = re.compile("[^\t\n -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


def yaml_value(value: Any) -> str:
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False, default=str))


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"yaml_value": yaml_value}
