# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: own_certificates
short_description: Certificates of an authority that a cluster has of its own
author:
  - The messaging.nats authors (@messaging-nats)
description:
  - Returns the data of two Secrets, one with the authority and its key, the other with the certificates and the authorities that are trusted.
  - What the Secrets hold already is kept until less than a third of its lifetime is left, so a second run changes nothing.
  - This filter is private to the collection and may change in any release.
positional: authority_secret, secret, leaves, owner, stage
options:
  _input:
    description: The Secrets of the cluster that exist, as M(messaging.nats.nats_cluster_info) returns them.
    type: list
    elements: dict
    required: true
  authority_secret:
    description: The name of the Secret with the authority.
    type: str
    required: true
  secret:
    description: The name of the Secret with the certificates.
    type: str
    required: true
  leaves:
    description: The DNS names of each certificate, by the name of its file without C(.crt).
    type: dict
    required: true
  owner:
    description: What the authority is for, in its name.
    type: str
    required: true
  stage:
    description:
      - The stage of a rotation. V(trust) makes a new authority and has it trusted beside the old one, V(issue) replaces the certificates, V(drop)
        ends the trust in the old authority. V(keep) changes no more than it has to.
    type: str
    choices: [keep, trust, issue, drop]
    default: keep
requirements:
  - The Python library cryptography
"""

EXAMPLES = r"""
---
- name: Make the certificates of routes
  ansible.builtin.set_fact:
    made: "{{ found.secrets | messaging.nats.own_certificates('nats-routes-ca', 'nats-routes-tls', names, 'routes of nats/nats') }}"
  no_log: true
"""

RETURN = r"""
---
_value:
  description: The data of the two Secrets, as text, and what is new in it.
  type: dict
  contains:
    authority:
      description: The authority's C(tls.crt) and C(tls.key).
      type: dict
    files:
      description: C(<name>.crt) and C(<name>.key) of each certificate, and C(ca.crt) with the authorities that are trusted.
      type: dict
    authority_is_due:
      description: Whether less than a third of the authority's lifetime is left.
      type: bool
    signed_by:
      description: The number of the authority, which grows by one with each rotation.
      type: int
    issued:
      description: The names of the certificates that are new.
      type: list
      elements: str
    ends:
      description: When the first of the certificates expires.
      type: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._config.own_certificates import own_certificates


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"own_certificates": own_certificates}
