# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What every module of this collection shares: errors and diff. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from types import TracebackType
from typing import Any, ClassVar, NoReturn, TypeVar

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common.parameters import remove_values

from ansible_collections.messaging.nats.plugins.module_utils._common.display_text import displayable_data
from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.known_secrets import (
    KNOWN_SECRETS,
    kubeconfig_secrets,
)
from ansible_collections.messaging.nats.plugins.module_utils._common.masking import masked_object

M = TypeVar("M", bound="CollectionModule")
# Results that people read: sentences, pages and differences.
RESULTS_FOR_PEOPLE = frozenset(
    {
        "msg",
        "cause",
        "remedy",
        "exception",
        "warnings",
        "invocation",
        "diff",
        "summary",
        "notes",
        "page",
        "causes",
        "findings",
    }
)
# Secrets for a later task, of which Ansible shows nothing: they stay as they are.
UNMASKED_RESULTS = frozenset({"secrets"})


def _named(data: Any) -> Any:
    """Arguments with the names of objects in place of what they hold: a variable in one may be a secret that is not known here."""
    if isinstance(data, Mapping):
        if {"apiVersion", "kind", "metadata"} <= data.keys() and isinstance(data["metadata"], Mapping):
            meta = {key: value for key, value in data["metadata"].items() if key in ("name", "namespace", "uid")}
            return {"apiVersion": data["apiVersion"], "kind": data["kind"], "metadata": meta}
        return {key: _named(value) for key, value in data.items()}
    return [_named(item) for item in data] if isinstance(data, list | tuple) else data


class CollectionModule(AnsibleModule):
    """Turns a NatsError into a failed task that says what, why and what to do: `with CollectionModule(…) as module:`."""

    # Whether a module of this process has got its arguments, after which it may change something.
    started: ClassVar[bool] = False

    def __init__(self, argument_spec: Mapping[str, Any], needs: Mapping[str, bool], **arguments: Any) -> None:
        KNOWN_SECRETS.clear()
        super().__init__(argument_spec=dict(argument_spec), supports_check_mode=True, **arguments)
        CollectionModule.started = True
        for library, there in needs.items():
            if not there:
                cause = missing_required_lib(library)
                remedy = f"Install the Python library {library} for the Python of the host that the task runs on."
                self.fail_json(msg=cause, code="LIBRARY_MISSING", cause=cause, remedy=remedy)

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
        self.no_log_values |= kubeconfig_secrets(
            (target if isinstance(target, dict) else self.params).get("kubeconfig")
        )

    def exit_json(self, **kwargs: Any) -> NoReturn:
        super().exit_json(**self._presentable(kwargs))

    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn:
        # What Ansible itself refuses, before anything is done, has no more than a sentence.
        refused = {"code": "INVALID_OPTIONS", "cause": msg, "remedy": "Correct the options of the task."}
        super().fail_json(**self._presentable(refused | {"msg": msg} | kwargs))

    def _presentable(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """A result without characters that a terminal obeys, and without secrets in what is meant for people.

        The data that later tasks act on is what was found: a password may be a word that names a stream too.
        """
        KNOWN_SECRETS.add(*self.no_log_values)
        shown = {"invocation": {"module_args": self.params or {}}, **result}
        # Ansible's own masking first: it looks for whole values.
        shown["invocation"] = masked_object(_named(remove_values(shown["invocation"], self.no_log_values)))
        for key, value in shown.items():
            if key in RESULTS_FOR_PEOPLE:
                shown[key] = displayable_data(masked_object(KNOWN_SECRETS.masked_data(value)))
            elif key not in UNMASKED_RESULTS:
                shown[key] = displayable_data(value)
        return shown

    def place(self, unfinished: str, path: str) -> None:
        """Puts a file that is complete where it was asked for, in one step."""
        folder = os.path.dirname(os.path.abspath(path))
        if not os.path.isdir(folder) or not os.access(folder, os.W_OK):
            raise NatsError(f"file {path}", f"{folder} is no folder that can be written", "Choose another path.")
        # Only its owner may read it, also where a file with other rights was there before.
        handle, beside = tempfile.mkstemp(dir=folder, prefix=f".{os.path.basename(path)}.")
        try:
            with os.fdopen(handle, "wb") as target, open(unfinished, "rb") as source:
                shutil.copyfileobj(source, target)
            os.replace(beside, os.path.abspath(path))
        except OSError as error:
            os.unlink(beside)
            raise NatsError(f"file {path}", str(error), "Choose another path.") from error
        os.unlink(unfinished)

    def diff(self, before: Any, after: Any, header: str) -> dict[str, Any]:
        """What Ansible shows with --diff."""
        return (
            {"diff": {"before": before, "after": after, "before_header": header, "after_header": header}}
            if self._diff
            else {}
        )
