# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For modules that always talk to the Kubernetes API. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import contextlib
import importlib

from ansible_collections.messaging.nats.plugins.plugin_utils import _at_hand

# Each fork finds it imported; a module tells by itself what is wrong with its libraries.
with contextlib.suppress(Exception):
    importlib.import_module("ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client")


class ActionModule(_at_hand.ActionModule):
    """The same, with more that is imported before."""
