# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The support bundle contains no known secret and no control character."""

from __future__ import annotations

import base64
import zipfile
from datetime import datetime
from urllib.parse import quote

from ansible_collections.messaging.nats.plugins.module_utils._common.known_secrets import KnownSecrets
from ansible_collections.messaging.nats.plugins.module_utils._reporting.support_bundle import Bundle

AWKWARD = [
    'p%2Fa/b+c"d$e',
    "pa#ss@w/rd",
    "with space",
    "gehé¡m-ß\u4e2d",
    "it's 'quoted'",
    "back\\slash",
    "line\nbreak",
    "$2y-like",
]


def b64(text):
    return base64.b64encode(text.encode()).decode()


def test_a_bundle_holds_no_known_value_and_no_control_character(tmp_path):
    path = tmp_path / "bundle.zip"
    with Bundle(str(path), datetime(2026, 1, 1), KnownSecrets(AWKWARD)) as bundle:
        for number, secret in enumerate(AWKWARD):
            bundle.beside(f"logs/{number}.log", f"it says {secret} \x1b[2J {quote(secret, safe='')}\n")
            bundle.beside(f"data/{number}.json", {"said": secret, "more": [b64(secret)]})
        bundle.capture("health", {"name": "n\u202e\x1b"}, {"url": "nats://u:hidden@h"})
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            text = archive.read(entry).decode()
            assert "\x1b" not in text + entry.filename
            assert "\u202e" not in text + entry.filename
            assert "hidden" not in text
            assert not any(form in text for secret in AWKWARD for form in (secret, b64(secret), quote(secret, safe="")))
            assert entry.external_attr >> 16 == 0o600
