# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where files are in a support bundle, how its manifest describes them, and that it holds no secret and no control character."""

from __future__ import annotations

import json
import zipfile
from datetime import datetime
from urllib.parse import quote

from ansible_collections.messaging.nats.plugins.module_utils._common.known_secrets import KnownSecrets
from ansible_collections.messaging.nats.plugins.module_utils._reporting.support_bundle import Bundle
from tests.support.secrets import AWKWARD, b64


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


SERVER = {"name": "nats-0", "cluster": "nats"}


def written(path, fill):
    with Bundle(str(path), datetime(2026, 1, 1), KnownSecrets()) as bundle:
        fill(bundle)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_answers_are_where_the_nats_cli_has_them(tmp_path):
    def fill(bundle):
        bundle.capture("health", SERVER, {"status": "ok"})
        bundle.capture("account_info", SERVER, {}, "APP")
        bundle.capture("stream_info", SERVER, {}, "APP", "ORDERS")
        bundle.special("audit_gather_log", "log", "text")
        bundle.beside("diagnosis.txt", "text")

    files = written(tmp_path / "bundle.zip", fill)
    assert set(files) == {
        "capture/clusters/nats/nats-0/health/0001.json",
        "capture/accounts/APP/servers/nats__nats-0/account_info/0001.json",
        "capture/accounts/APP/streams/ORDERS/replicas/nats__nats-0/stream_info/0001.json",
        "capture/misc/audit_gather_log.log",
        "capture/misc/manifest.json",
        "diagnosis.txt",
    }
    manifest = json.loads(files["capture/misc/manifest.json"])
    assert "diagnosis.txt" not in manifest
    assert manifest["capture/accounts/APP/servers/nats__nats-0/account_info/0001.json"] == [
        {"Name": "account", "Value": "APP"},
        {"Name": "cluster", "Value": "nats"},
        {"Name": "server", "Value": "nats-0"},
        {"Name": "artifact_type", "Value": "account_info"},
    ]


def test_a_name_stays_one_part_of_a_path(tmp_path):
    files = written(
        tmp_path / "bundle.zip", lambda bundle: bundle.capture("health", {"name": "../a/b:c"}, {}, account="..")
    )
    assert "capture/accounts/_/servers/unclustered___a_b_c/health/0001.json" in files
