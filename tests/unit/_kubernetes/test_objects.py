# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects and their changes are shown without secrets."""

from __future__ import annotations

import base64

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import sentence, short_value

OURS = {"app.kubernetes.io/managed-by": "messaging.nats"}


def secret(**data):
    encoded = {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "nats-app", "namespace": "nats", "labels": OURS},
        "data": encoded,
    }


CONF = 'accounts {\n  users: [ { user: "app", password: "pl\\"ain" } ]\n}\nroutes: ["nats://route:s3cret@nats-0.nats:6222"]\n'


def test_nothing_secret_is_shown():
    shown = short_value(secret(**{"nats.conf": CONF, "password": "word"}))
    text = str(shown)
    assert "ain" not in text
    assert "s3cret" not in text
    assert shown["data"]["password"] == "********"
    assert 'user: "app", password: "********"' in text
    assert "nats://route:********@nats-0.nats:6222" in text
    assert "clear-text" not in str(short_value(secret() | {"stringData": {"word": "clear-text"}}))


@pytest.mark.parametrize("path", ["spec.template.spec.containers[nats].env[DB_PASSWORD].value", "spec.token"])
def test_a_change_of_a_secret_has_no_values(path):
    assert sentence((path, "hidden-1", "hidden-2")) == f"{path} changes"


def test_a_change_of_a_whole_list_shows_no_secret():
    change = ("spec.env", None, [{"name": "X_TOKEN", "value": "hidden"}])
    assert "hidden" not in sentence(change)
