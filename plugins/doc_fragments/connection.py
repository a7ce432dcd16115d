# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """How a module reaches NATS."""

    DOCUMENTATION = r"""
options:
  servers:
    description:
      - URLs of the servers, tried in this order, for example V(nats://nats:4222) or V(tls://nats.example.org).
      - Without it and without O(kubernetes), the environment variable E(NATS_URL) says where NATS is (several URLs with commas).
      - Mutually exclusive with O(kubernetes).
    type: list
    elements: str
  user:
    description:
      - Name of the user.
      - Where a task writes no login at all, E(NATS_USER) and E(NATS_PASSWORD), E(NATS_TOKEN) or E(NATS_CREDS) of the environment are it.
      - Not used with O(kubernetes), which takes the user from the account's Secret.
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
    description: Seed of an nkey (begins with V(SU)).
    type: str
  jwt:
    description: A user's JWT; O(nkey_seed) is its seed. Instead of O(creds).
    type: str
  tls:
    description:
      - TLS to the servers. Given here, or by a URL that begins with V(tls://), it is TLS or an error; nothing secret is sent before.
    type: dict
    suboptions:
      ca:
        description: Path of the certificates that are trusted, PEM. By default those of the system.
        type: path
      cert:
        description: Path of the client's certificate, PEM.
        type: path
      key:
        description: Path of the client certificate's key, PEM.
        type: path
      server_name:
        description: Name that the server's certificate must have, where it differs from the URL's.
        type: str
      handshake_first:
        description: Whether TLS begins before the server's first line, as the server must be configured for it.
        type: bool
        default: false
  domain:
    description: JetStream domain. Mutually exclusive with O(api_prefix).
    type: str
  api_prefix:
    description: Prefix of the JetStream API, where it is imported under another one than V($JS.API).
    type: str
  inbox_prefix:
    description: Prefix of the subjects that answers are sent to, where the user may only subscribe to a private one.
    type: str
    default: _INBOX
  timeout:
    description: Seconds to wait for one answer.
    type: float
    default: 5
  kubernetes:
    description:
      - Reach a cluster that this collection deployed through the Kubernetes API, from wherever kubectl works, as the user in the account's Secret.
      - Mutually exclusive with O(servers). Beats E(NATS_URL).
    type: dict
    suboptions:
      kubeconfig:
        description: Path of the kubeconfig. The environment variables E(K8S_AUTH_KUBECONFIG) and E(KUBECONFIG) stand in.
        type: path
      context:
        description: Context of the kubeconfig. The environment variable E(K8S_AUTH_CONTEXT) stands in.
        type: str
      namespace:
        description: Namespace of the cluster.
        type: str
        default: nats
      cluster:
        description: Name of the cluster, as in C(nats_cluster_name).
        type: str
        default: nats
      account:
        description: Account to use. The Secret C(<cluster>-<account in lower case>) holds its user. The module says which one is the default.
        type: str
requirements:
  - nats-py >= 2.15
  - kubernetes >= 24.2
"""
