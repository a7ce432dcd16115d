# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Which Kubernetes cluster a module works on."""

    DOCUMENTATION = r"""
options:
  kubeconfig:
    description: Path of the kubeconfig. The environment variables E(K8S_AUTH_KUBECONFIG) and E(KUBECONFIG) stand in.
    type: path
  context:
    description: Context of the kubeconfig. The environment variable E(K8S_AUTH_CONTEXT) stands in.
    type: str
"""
