# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options of every module that looks at a whole cluster."""

    DOCUMENTATION = r"""
options:
  expected_members:
    description:
      - Names of the servers that must be there, all of them and no others; or their number.
      - With O(kubernetes) the default is what the StatefulSet declares.
    type: list
    elements: str
  cluster_name:
    description: Name that the servers' cluster must have.
    type: str
  accounts:
    description:
      - Accounts whose own lists of streams and consumers are compared with what the servers hold, to find what is listed but missing.
      - An account that can't be asked is a finding.
      - With O(kubernetes) their names are enough; without it each needs a login.
    type: list
    elements: dict
    default: []
    suboptions:
      account:
        description: Name of the account.
        type: str
        required: true
      user:
        description: Name of a user.
        type: str
      password:
        description: Password of the user.
        type: str
      token:
        description: A token instead of user and password.
        type: str
      creds:
        description: Credentials with JWT and seed, as the path of a file or as its content.
        type: str
      nkey_seed:
        description: Seed of an nkey.
        type: str
      jwt:
        description: The user's JWT, for O(accounts[].nkey_seed).
        type: str
  previous:
    description:
      - An earlier result of M(messaging.nats.nats_health), or its C(figures), to find what only a comparison shows, such as new slow consumers.
      - Anything else is refused.
    type: dict
"""
