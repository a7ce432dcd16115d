# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action of nats_cluster_lease, which is that of nats_cluster_info."""

from __future__ import annotations

from ansible_collections.messaging.nats.plugins.action.nats_cluster_info import ActionModule

__all__ = ["ActionModule"]
