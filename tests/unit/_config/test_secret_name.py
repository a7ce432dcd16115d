# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The name of the Secret that holds a configuration."""

from __future__ import annotations

from base64 import b64encode

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._config.secret_name import (
    UNTIL_RESTART,
    config_secret_name,
    short_hash,
)

CONF, HOT, COLD = "max_payload: 1000\n", "max_payload: 2000\n", 'max_payload: 1000\nstore_dir: "/x"\n'
IMAGE = "nats:2.15.1-alpine"


def found(current="nats-config-1", image=IMAGE, **held):
    secrets = [
        {"metadata": {"name": name.replace("_", "-")}, "data": {"nats.conf": b64encode(text.encode()).decode()}}
        for name, text in ({"nats_config_1": CONF} | held).items()
    ]
    running = {"config_secret": current, "version": "2.15.1", "image": image}
    return {"secrets": [*secrets, {"metadata": {"name": "nats-app"}, "data": {"password": "eA=="}}], "running": running}


@pytest.mark.parametrize(
    ("conf", "there", "name"),
    [
        (CONF, {"secrets": [], "running": {}}, f"nats-config-{short_hash(CONF)}"),
        (CONF, found(), "nats-config-1"),
        (HOT, found(), "nats-config-1"),
        (COLD, found(), f"nats-config-{short_hash(COLD)}"),
        # Another image restarts each server, and a server with the old image must not read the new configuration.
        (HOT, found(image="nats:2.14.6-alpine"), f"nats-config-{short_hash(HOT)}"),
        (CONF, found(image="nats:2.14.6-alpine"), "nats-config-1"),
        # The Secret that the template refers to was deleted.
        (CONF, found("nats-config-2"), f"nats-config-{short_hash(CONF)}"),
    ],
)
def test_the_same_secret_where_servers_take_it_over_and_a_new_one_where_they_restart(conf, there, name):
    assert config_secret_name(conf, "nats", there, IMAGE) == name


def test_a_name_that_holds_something_else_by_now_is_not_taken():
    taken = f"nats-config-{short_hash(COLD)}"
    name = config_secret_name(COLD, "nats", found(**{taken: HOT}), IMAGE)
    assert name.startswith("nats-config-")
    assert name not in (taken, "nats-config-1")
    assert config_secret_name(COLD, "nats", found(**{taken: COLD}), IMAGE) == taken


def test_what_servers_only_run_with_until_they_restart_is_not_kept():
    there = found()
    there["secrets"][0]["metadata"]["annotations"] = {UNTIL_RESTART: "true"}
    assert config_secret_name(CONF, "nats", there, IMAGE) == f"nats-config-{short_hash(CONF)}"
