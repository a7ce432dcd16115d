# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.messaging.nats.plugins.plugin_utils import _at_hand_kubernetes


class ActionModule(_at_hand_kubernetes.ActionModule):
    """Of nats_cluster_apply."""
