# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Which Kubernetes cluster a module works on."""

    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - Path of a kubeconfig (several with colons), or its content as a dictionary.
      - The environment variables E(K8S_AUTH_KUBECONFIG) and E(KUBECONFIG) stand in, then C(~/.kube/config).
      - Without it and without O(context), in a pod, its own service account is used.
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
    description: Name of a user, for O(password). Kubernetes itself has no such login. The environment variable E(K8S_AUTH_USERNAME) stands in.
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
"""
