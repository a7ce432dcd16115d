# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects in memory with the rules of the Kubernetes API about versions, to test decisions that depend on these rules.

What the API itself does is tested on a real one, by the Molecule scenarios.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError


class StoredObjects:
    """Takes the place of the client; `writes` are the requests that it has accepted."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.writes: list[tuple[str, str]] = []
        self.reads = 0
        # Called before each write with its path, as another program that is quicker.
        self.before_write: Callable[[str], None] = lambda _path: None
        self._version = 100

    def path(self, item: dict[str, Any]) -> str:
        return f"/{item['kind']}/{item['metadata']['name']}"

    def put(self, path: str, item: dict[str, Any]) -> dict[str, Any]:
        """Stores an object as any program may, with a new version."""
        self._version += 1
        uid = self.objects[path]["metadata"]["uid"] if path in self.objects else f"uid-{self._version}"
        meta = {"uid": uid} | item["metadata"] | {"resourceVersion": str(self._version)}
        self.objects[path] = copy.deepcopy(item) | {"metadata": meta}
        return copy.deepcopy(self.objects[path])

    def find(self, path: str, _what: str) -> dict[str, Any] | None:
        self.reads += 1
        return copy.deepcopy(self.objects.get(path))

    def call(
        self, method: str, path: str, what: str, body: dict[str, Any], _content_type: str = "", **query: Any
    ) -> dict[str, Any]:
        self.before_write(path)
        if method == "POST":
            path = f"{path}/{body['metadata']['name']}"
        found = self.objects.get(path)
        wanted = body.get("preconditions") or body.get("metadata") or {}
        if method in ("PUT", "DELETE") and found is None:
            raise NatsError(what, "not found", err_code=HTTPStatus.NOT_FOUND)
        if found and (method == "POST" or self._is_other(wanted, found)):
            raise NatsError(what, "the object has been modified", err_code=HTTPStatus.CONFLICT)
        if query.get("dryRun"):
            return copy.deepcopy(body)
        self.writes.append((method, path))
        if method == "DELETE":
            return self.objects.pop(path)
        kept = {"status": found["status"]} if found and "status" in found else {}
        uid = {"uid": found["metadata"]["uid"]} if found else {}
        meta = {key: value for key, value in body["metadata"].items() if key != "resourceVersion"}
        return self.put(path, kept | body | {"metadata": meta | uid})

    @staticmethod
    def _is_other(wanted: dict[str, Any], found: dict[str, Any]) -> bool:
        return any(key in wanted and wanted[key] != found["metadata"][key] for key in ("uid", "resourceVersion"))
