# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from textwrap import indent

# The options of the login to a Kubernetes API. They are a module's own options, or suboptions of `kubernetes`.
OPTIONS = r"""
kubeconfig:
  description:
    - Path of a kubeconfig (several paths separated by colons), or its content as a dictionary.
    - The default is the environment variable E(K8S_AUTH_KUBECONFIG), then E(KUBECONFIG), then C(~/.kube/config).
    - In a pod, without this option and without O(context), the pod's service account is used.
  type: raw
context:
  description: Context of the kubeconfig. The default is the environment variable E(K8S_AUTH_CONTEXT).
  type: str
host:
  description: URL of the Kubernetes API. It takes precedence over the kubeconfig. The default is the environment variable E(K8S_AUTH_HOST).
  type: str
api_key:
  description: Token to log in with. The default is the environment variable E(K8S_AUTH_API_KEY).
  type: str
username:
  description: Name of a user, for O(password). Kubernetes itself does not support this login. The default is the environment variable E(K8S_AUTH_USERNAME).
  type: str
password:
  description: Password of the user. The default is the environment variable E(K8S_AUTH_PASSWORD).
  type: str
validate_certs:
  description: Whether to verify the certificate of the Kubernetes API. The default is the environment variable E(K8S_AUTH_VERIFY_SSL).
  type: bool
  aliases: [verify_ssl]
ca_cert:
  description: Path of a PEM file with the trusted CA certificates of the Kubernetes API. The default is the environment variable E(K8S_AUTH_SSL_CA_CERT).
  type: path
  aliases: [ssl_ca_cert]
client_cert:
  description: Path of a PEM file with the client certificate to log in with. The default is the environment variable E(K8S_AUTH_CERT_FILE).
  type: path
  aliases: [cert_file]
client_key:
  description: Path of a PEM file with the client certificate's key. The default is the environment variable E(K8S_AUTH_KEY_FILE).
  type: path
  aliases: [key_file]
proxy:
  description: URL of an HTTP proxy to the Kubernetes API. The default is the environment variable E(K8S_AUTH_PROXY).
  type: str
no_proxy:
  description: Hosts that are reached without the proxy, separated by commas. The default is the environment variable E(K8S_AUTH_NO_PROXY).
  type: str
proxy_headers:
  description: Headers for the proxy. The default of each is an environment variable, such as E(K8S_AUTH_PROXY_HEADERS_USER_AGENT).
  type: dict
  suboptions:
    proxy_basic_auth:
      description: User and password for the proxy, separated by a colon.
      type: str
    basic_auth:
      description: User and password, separated by a colon.
      type: str
    user_agent:
      description: Value of the header C(User-Agent).
      type: str
persist_config:
  description: Whether to write a refreshed login back to the kubeconfig. The default is the environment variable E(K8S_AUTH_PERSIST_CONFIG).
  type: bool
impersonate_user:
  description: Name of the user to impersonate. The default is the environment variable E(K8S_AUTH_IMPERSONATE_USER).
  type: str
impersonate_groups:
  description: Groups of the user to impersonate. The default is the environment variable E(K8S_AUTH_IMPERSONATE_GROUPS), separated by commas.
  type: list
  elements: str
"""


class ModuleDocFragment:
    """The Kubernetes cluster that a module works on."""

    # The annotation keeps ansible-test's yamllint off, which fails on an assignment of anything but a literal.
    DOCUMENTATION: str = "options:" + indent(OPTIONS, "  ")
