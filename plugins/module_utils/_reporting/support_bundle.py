# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""A support bundle as one archive. PRIVATE to the collection: it can change at any time.

It has the servers' answers in the layout of `nats audit gather`, so that `nats audit analyze` can read it,
and files of what Kubernetes says, which the nats CLI ignores.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from datetime import datetime
from itertools import count
from types import TracebackType
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.display_text import displayable, displayable_data
from ansible_collections.messaging.nats.plugins.module_utils._common.known_secrets import KnownSecrets
from ansible_collections.messaging.nats.plugins.module_utils._common.masking import masked_urls


class Bundle:
    """A ZIP file that is written once. Secrets are masked in all of its files, and control characters are replaced."""

    def __init__(self, path: str, moment: datetime, secrets: KnownSecrets) -> None:
        self._archive = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)
        self._moment = moment.timetuple()[:6]
        self._manifest: dict[str, list[dict[str, str]]] = {}
        self._secrets = secrets

    def __enter__(self) -> Bundle:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._write("capture/misc/manifest.json", self._json(self._manifest))
        self._archive.close()

    def capture(
        self, artifact: str, server: Mapping[str, Any], content: Any, account: str = "", stream: str = ""
    ) -> None:
        """Adds what a server answered, in general or about an account or one of its streams."""
        cluster, name = server.get("cluster") or "unclustered", server["name"]
        tags = {"account": account, "stream": stream, "cluster": cluster, "server": name, "artifact_type": artifact}
        if stream:
            folder = f"accounts/{_part(account)}/streams/{_part(stream)}/replicas/{_part(cluster)}__{_part(name)}"
        elif account:
            folder = f"accounts/{_part(account)}/servers/{_part(cluster)}__{_part(name)}"
        else:
            folder = f"clusters/{_part(cluster)}/{_part(name)}"
        path = self._unused(f"capture/{folder}/{artifact}")
        self._manifest[path] = [{"Name": label, "Value": value} for label, value in tags.items() if value]
        self._write(path, self._json(content))

    def special(self, name: str, extension: str, content: Any) -> None:
        """Adds a file about the capture itself."""
        path = f"capture/misc/{name}.{extension}"
        self._manifest[path] = [{"Name": "special", "Value": name}]
        self._write(path, content if isinstance(content, str) else self._json(content))

    def beside(self, path: str, content: Any) -> None:
        """Adds a file that the nats CLI ignores."""
        self._write(path, content if isinstance(content, str) else self._json(content))

    def _unused(self, folder: str) -> str:
        """The path of the next file: two names may be one part of a path, and the nats CLI numbers the pages of an answer."""
        return next(path for number in count(1) if (path := f"{folder}/{number:04}.json") not in self._manifest)

    def _json(self, content: Any) -> str:
        """Masked and made displayable as data: an escape that is put into finished JSON would make it unreadable."""
        return json.dumps(
            displayable_data(self._secrets.masked_data(content)), indent=2, ensure_ascii=False, default=str
        )

    def _write(self, path: str, text: str) -> None:
        entry = zipfile.ZipInfo(path, self._moment)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o600 << 16
        self._archive.writestr(entry, displayable(masked_urls(self._secrets.masked(text))))


def _part(name: str) -> str:
    """A name as a part of a path: names of accounts and servers may have any character."""
    replaced = ("_" if character in "/\\:" or not character.isprintable() else character for character in name)
    return "".join(replaced).strip(". ") or "_"
