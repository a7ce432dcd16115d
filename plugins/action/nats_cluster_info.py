# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action of the modules that talk to the Kubernetes API: `meta/runtime.yml` routes the others here.

Ansible loads an action that has the name of a module before it forks, so that all later tasks of the play find the client imported,
which takes half a second. It follows `meta/runtime.yml` only in the fork. So the modules with which the verbs of the role begin,
this one and nats_cluster_lease, have files.
"""

from __future__ import annotations

import contextlib
import importlib

from ansible_collections.messaging.nats.plugins.plugin_utils import _in_process_action

# A module says by itself what is wrong with its libraries.
with contextlib.suppress(Exception):
    importlib.import_module("ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client")


class ActionModule(_in_process_action.ActionModule):
    """Runs such a module in Ansible's own process where it can."""
