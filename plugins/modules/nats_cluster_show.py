#!/usr/bin/python
# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nats_cluster_show
short_description: A text as it is, or a failure in words
description:
  - Prints a text of several lines as it is. M(ansible.builtin.debug) prints it in quotes, as data.
  - Nothing is printed where Ansible's output is read by a program, as with the callback P(ansible.posix.json#callback). The text is in the result.
  - Fails with sentences, or with what another task has returned whose result is not shown because it has secrets.
  - This module is private to the collection and may change in any release.
author:
  - The messaging.nats authors (@messaging-nats)
extends_documentation_fragment:
  - messaging.nats.attributes
  - messaging.nats.attributes.no_diff
options:
  text:
    description: The text that is printed.
    type: str
    default: ""
  problems:
    description: The task fails with these sentences. Where there are none, it does not fail.
    type: list
    elements: str
    default: []
  outcome:
    description: What another task has returned. Where that has failed, this task fails with the same words.
    type: dict
    default: {}
seealso:
  - module: ansible.builtin.debug
"""

EXAMPLES = r"""
- name: Read the cluster's status
  messaging.nats.nats_status:
    kubernetes:
      namespace: nats
  register: status

- name: Show it
  messaging.nats.nats_cluster_show:
    text: "{{ status.page }}"
"""

RETURN = r"""
text:
  description: The text that was printed.
  returned: success
  type: str
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
