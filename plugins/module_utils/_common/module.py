# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The base class of all modules of this collection: its errors, masking and diff. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from types import TracebackType
from typing import Any, ClassVar, NoReturn, TypeVar

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common.parameters import remove_values

from ansible_collections.messaging.nats.plugins.module_utils._common.display_text import (
    displayable,
    displayable_data,
    displayable_line,
)
from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.known_secrets import (
    KNOWN_SECRETS,
    kubeconfig_secrets,
)
from ansible_collections.messaging.nats.plugins.module_utils._common.masking import masked_object

M = TypeVar("M", bound="CollectionModule")
# Result keys whose values people read: sentences, pages and differences.
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
# Of these, the lists of sentences that messages show one to a line: a line break in a name would look like a sentence of its own.
SENTENCES = frozenset({"summary", "notes", "causes", "findings"})
# Result keys that hand secrets to a later task. Ansible shows none of them, so they are not masked.
UNMASKED_RESULTS = frozenset({"secrets"})


def _identities_only(data: Any) -> Any:
    """Module arguments in which each Kubernetes object is reduced to its identity: its content may hold a secret that is not known here."""
    if isinstance(data, Mapping):
        if {"apiVersion", "kind", "metadata"} <= data.keys() and isinstance(data["metadata"], Mapping):
            meta = {key: value for key, value in data["metadata"].items() if key in ("name", "namespace", "uid")}
            return {"apiVersion": data["apiVersion"], "kind": data["kind"], "metadata": meta}
        return {key: _identities_only(value) for key, value in data.items()}
    return [_identities_only(item) for item in data] if isinstance(data, list | tuple) else data


class CollectionModule(AnsibleModule):
    """Turns a NatsError inside `with CollectionModule(…) as module:` into a failed task with object, cause and remedy."""

    # Whether a module in this process has read its arguments. From then on it may have changed something.
    started: ClassVar[bool] = False

    def __init__(self, argument_spec: Mapping[str, Any], needs: Mapping[str, bool], **arguments: Any) -> None:
        KNOWN_SECRETS.clear()
        CollectionModule.started = False
        super().__init__(argument_spec=dict(argument_spec), supports_check_mode=True, **arguments)
        CollectionModule.started = True
        for library, installed in needs.items():
            if not installed:
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
        # Before any failure could show the arguments.
        target = self.params.get("kubernetes")
        self.no_log_values |= kubeconfig_secrets(
            (target if isinstance(target, dict) else self.params).get("kubeconfig")
        )

    def exit_json(self, **kwargs: Any) -> NoReturn:
        super().exit_json(**self._presentable(kwargs))

    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn:
        # A failure of Ansible's own has only a message. Until the module has started, it is about the arguments.
        defaults = {"code": "INVALID_OPTIONS", "cause": msg, "remedy": "Correct the options of the task."}
        if CollectionModule.started:
            defaults |= {"code": NatsError.code, "remedy": ""}
        super().fail_json(**self._presentable(defaults | {"msg": msg} | kwargs))

    def _presentable(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """The result without control characters, and without secrets in the keys that people read.

        The data that later tasks act on is not masked: a password may be the same word as a stream's name.
        """
        KNOWN_SECRETS.add(*self.no_log_values)
        shown = {"invocation": {"module_args": self.params or {}}, **result}
        # Ansible's own masking comes first, because it compares whole values.
        shown["invocation"] = masked_object(_identities_only(remove_values(shown["invocation"], self.no_log_values)))
        for key, value in shown.items():
            if key in RESULTS_FOR_PEOPLE:
                on_a_line = displayable_line if key in SENTENCES else displayable
                shown[key] = displayable_data(masked_object(KNOWN_SECRETS.masked_data(value)), on_a_line)
            elif key not in UNMASKED_RESULTS:
                shown[key] = displayable_data(value)
        return shown

    def put_file(self, unfinished: str, path: str) -> None:
        """Moves a finished temporary file to `path` atomically."""
        folder = os.path.dirname(os.path.abspath(path))
        if not os.path.isdir(folder) or not os.access(folder, os.W_OK):
            cause = f"the directory {folder} does not exist, or this user can't write to it"
            raise NatsError(f"file {path}", cause, "Choose another path.", code="FILE_NOT_WRITABLE")
        # mkstemp makes a file that only its owner may read, even where it replaces one with other permissions.
        handle, beside = tempfile.mkstemp(dir=folder, prefix=f".{os.path.basename(path)}.")
        try:
            with os.fdopen(handle, "wb") as target, open(unfinished, "rb") as source:
                shutil.copyfileobj(source, target)
            os.replace(beside, os.path.abspath(path))
        except OSError as error:
            os.unlink(beside)
            raise NatsError(f"file {path}", str(error), "Choose another path.", code="FILE_NOT_WRITABLE") from error
        os.unlink(unfinished)

    @property
    def is_verbose(self) -> bool:
        """Whether the play was started with -v or more."""
        return bool(self._verbosity)

    def diff(self, before: Any, after: Any, header: str) -> dict[str, Any]:
        """The result key that Ansible shows with --diff; empty without it."""
        return (
            {"diff": {"before": before, "after": after, "before_header": header, "after_header": header}}
            if self._diff
            else {}
        )
