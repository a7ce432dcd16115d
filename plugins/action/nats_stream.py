# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action of the modules that manage resources on NATS: `meta/runtime.yml` routes the others here."""

from __future__ import annotations

from ansible_collections.messaging.nats.plugins.plugin_utils import _in_process_action


class ActionModule(_in_process_action.ActionModule):
    """Runs such a module in Ansible's own process where it can."""
