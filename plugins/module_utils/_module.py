# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What every module of this collection shares: errors and diff. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import TracebackType
from typing import Any, ClassVar, TypeVar

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.messaging.nats.plugins.module_utils._errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes_options import secrets_of

M = TypeVar("M", bound="CollectionModule")


class CollectionModule(AnsibleModule):
    """Turns a NatsError into a failed task that says what, why and what to do: `with CollectionModule(…) as module:`."""

    # Whether a module of this process has got its arguments, after which it may change something.
    started: ClassVar[bool] = False

    def __init__(self, argument_spec: Mapping[str, Any], needs: Mapping[str, bool], **arguments: Any) -> None:
        super().__init__(argument_spec=dict(argument_spec), supports_check_mode=True, **arguments)
        CollectionModule.started = True
        for library, there in needs.items():
            if not there:
                self.fail_json(msg=missing_required_lib(library))

    def __enter__(self: M) -> M:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, NatsError):
            self.fail_json(**error.result())

    def _load_params(self) -> None:
        super()._load_params()
        # Before anything can fail and show what the module was given.
        target = self.params.get("kubernetes")
        self.no_log_values |= secrets_of((target if isinstance(target, dict) else self.params).get("kubeconfig"))

    def place(self, unfinished: str, path: str) -> None:
        """Puts a file that is complete where it was asked for, in one step."""
        folder = os.path.dirname(os.path.abspath(path))
        if not os.path.isdir(folder) or not os.access(folder, os.W_OK):
            raise NatsError(f"file {path}", f"{folder} is no folder that can be written", "Choose another path.")
        self.atomic_move(unfinished, os.path.abspath(path))

    def diff(self, before: Any, after: Any, header: str) -> dict[str, Any]:
        """What Ansible shows with --diff."""
        return (
            {"diff": {"before": before, "after": after, "before_header": header, "after_header": header}}
            if self._diff
            else {}
        )
