# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from textwrap import indent

from ansible_collections.messaging.nats.plugins.doc_fragments.kubeconfig import OPTIONS


class ModuleDocFragment:
    """The options of a module's connection to NATS."""

    # The annotation keeps ansible-test's yamllint off, which fails on an assignment of anything but a literal.
    DOCUMENTATION: str = (
        r"""
options:
  servers:
    description:
      - URLs of the servers, tried in this order, for example V(nats://nats:4222) or V(tls://nats.example.org).
      - The default, without O(kubernetes), is the environment variable E(NATS_URL) (several URLs separated by commas).
      - Mutually exclusive with O(kubernetes).
    type: list
    elements: str
  user:
    description:
      - Name of the user.
      - Without any login option, the login is taken from the environment variables E(NATS_USER) and E(NATS_PASSWORD), E(NATS_TOKEN) or E(NATS_CREDS).
      - Not used with O(kubernetes), where the user is taken from the account's Secret.
    type: str
  password:
    description: Password of the user.
    type: str
  token:
    description: Token to log in with, instead of user and password.
    type: str
  creds:
    description: Credentials file with JWT and seed; its path or its content.
    type: str
  nkey_seed:
    description: Seed of the user's nkey, which begins with V(SU).
    type: str
  jwt:
    description: JWT of the user, with O(nkey_seed) as its seed. An alternative to O(creds).
    type: str
  tls:
    description:
      - TLS to the servers. With this option, or a URL that begins with V(tls://), a connection without TLS is an error.
      - Nothing secret is sent before the handshake.
    type: dict
    suboptions:
      ca:
        description: Path of a PEM file with the CA certificates that are trusted. The default is those of the system.
        type: path
      cert:
        description: Path of a PEM file with the client's certificate.
        type: path
      key:
        description: Path of a PEM file with the client certificate's key.
        type: path
      server_name:
        description: Name that the server's certificate must have, if it differs from the name in the URL.
        type: str
      handshake_first:
        description: Whether the TLS handshake begins before the server's first message. The server must be configured for it, too.
        type: bool
        default: false
  domain:
    description: JetStream domain. Mutually exclusive with O(api_prefix).
    type: str
  api_prefix:
    description: Prefix of the JetStream API, if it is imported with another prefix than V($JS.API).
    type: str
  inbox_prefix:
    description: Prefix of the subjects for answers, if the user may subscribe only to a private one.
    type: str
    default: _INBOX
  timeout:
    description: Seconds to wait for one answer. Requests that may be sent twice are sent again for up to three times as long.
    type: float
    default: 5
  kubernetes:
    description:
      - Connect to a cluster that this collection deployed, through the Kubernetes API, from wherever kubectl works.
      - The user is the one in the account's Secret.
      - Mutually exclusive with O(servers). It takes precedence over E(NATS_URL).
    type: dict
    suboptions:"""
        + indent(re.sub(r"O\((\w+)\)", r"O(kubernetes.\1)", OPTIONS), "      ")
        + r"""      namespace:
        description: Namespace of the cluster.
        type: str
        default: nats
      cluster:
        description: Name of the cluster, as in the role's variable C(nats_cluster_name).
        type: str
        default: nats
      account:
        description: Account to use. The Secret C(<cluster>-<account in lower case>) holds its user. The module's description says which account is the default.
        type: str
requirements:
  - nats-py >= 2.15
  - kubernetes >= 24.2
"""
    )
