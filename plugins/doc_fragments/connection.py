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
        description:
          - Path of a kubeconfig (several with colons), or its content as a dictionary.
          - The environment variables E(K8S_AUTH_KUBECONFIG) and E(KUBECONFIG) stand in, then C(~/.kube/config).
          - Without it and without O(kubernetes.context), in a pod, its own service account is used.
        type: raw
      context:
        description: Context of the kubeconfig. The environment variable E(K8S_AUTH_CONTEXT) stands in.
        type: str
      host:
        description: URL of the Kubernetes API, which beats the one of the kubeconfig. The environment variable E(K8S_AUTH_HOST) stands in.
        type: str
      api_key:
        description: Token to log in with. The environment variable E(K8S_AUTH_API_KEY) stands in.
        type: str
      username:
        description: Name of a user, for O(kubernetes.password). Kubernetes itself has no such login. The environment variable E(K8S_AUTH_USERNAME) stands in.
        type: str
      password:
        description: Password of the user. The environment variable E(K8S_AUTH_PASSWORD) stands in.
        type: str
      validate_certs:
        description: Whether the certificate of the Kubernetes API is verified. The environment variable E(K8S_AUTH_VERIFY_SSL) stands in.
        type: bool
        aliases: [verify_ssl]
      ca_cert:
        description: Path of the certificates that are trusted for the Kubernetes API, PEM. The environment variable E(K8S_AUTH_SSL_CA_CERT) stands in.
        type: path
        aliases: [ssl_ca_cert]
      client_cert:
        description: Path of a client certificate to log in with, PEM. The environment variable E(K8S_AUTH_CERT_FILE) stands in.
        type: path
        aliases: [cert_file]
      client_key:
        description: Path of the client certificate's key, PEM. The environment variable E(K8S_AUTH_KEY_FILE) stands in.
        type: path
        aliases: [key_file]
      proxy:
        description: URL of an HTTP proxy to the Kubernetes API. The environment variable E(K8S_AUTH_PROXY) stands in.
        type: str
      no_proxy:
        description: Hosts that are reached without the proxy, with commas. The environment variable E(K8S_AUTH_NO_PROXY) stands in.
        type: str
      proxy_headers:
        description: What the proxy is sent. Each has an environment variable, as E(K8S_AUTH_PROXY_HEADERS_USER_AGENT).
        type: dict
        suboptions:
          proxy_basic_auth:
            description: User and password for the proxy, with a colon between them.
            type: str
          basic_auth:
            description: User and password, with a colon between them.
            type: str
          user_agent:
            description: Name of the program.
            type: str
      persist_config:
        description: Whether a refreshed login is written back to the kubeconfig. The environment variable E(K8S_AUTH_PERSIST_CONFIG) stands in.
        type: bool
      impersonate_user:
        description: Name of the user to act as. The environment variable E(K8S_AUTH_IMPERSONATE_USER) stands in.
        type: str
      impersonate_groups:
        description: Groups of the user to act as. The environment variable E(K8S_AUTH_IMPERSONATE_GROUPS) stands in, with commas.
        type: list
        elements: str
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
