# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How modules reach a server, or say why not."""

from __future__ import annotations

import time

from ansible_collections.messaging.nats.plugins.modules import nats_stream


def test_a_dead_server_fails_at_once_with_its_address(run_module):
    start = time.monotonic()
    result = run_module(nats_stream, servers=["nats://127.0.0.1:1"], name="S")
    assert "nats://127.0.0.1:1: connection refused" in result["msg"]
    assert "exception" not in result
    assert time.monotonic() - start < 3


def test_the_next_server_is_tried(run_module, account):
    result = run_module(nats_stream, **account | {"servers": ["nats://127.0.0.1:1", *account["servers"]]}, name="S")
    assert result["changed"] is True, result


def test_wrong_credentials_are_told_from_a_dead_server(run_module, account):
    assert "Authorization Violation" in run_module(nats_stream, **account | {"password": "wrong"}, name="S")["msg"]


def test_tls_that_was_asked_for_is_never_plain_text(run_module, account):
    servers = [server.replace("nats://", "tls://") for server in account["servers"]]
    assert (
        "the server offers no TLS, and TLS was asked for"
        in run_module(nats_stream, **account | {"servers": servers}, name="S")["msg"]
    )


def test_credentials_in_a_url_are_not_told(run_module, account):
    result = run_module(nats_stream, servers=["nats://somebody:hidden-word@127.0.0.1:1"], name="S")
    assert "hidden-word" not in result["msg"]


def test_the_environment_says_where_nats_is(run_module, account, monkeypatch):
    monkeypatch.setenv("NATS_URL", ",".join(account["servers"]))
    monkeypatch.setenv("NATS_USER", account["user"])
    monkeypatch.setenv("NATS_PASSWORD", account["password"])
    result = run_module(nats_stream, name="S")
    assert result.get("changed") is True, result["msg"]


def test_no_address_at_all_is_an_error_that_says_so(run_module, monkeypatch):
    monkeypatch.delenv("NATS_URL", raising=False)
    assert "neither the option servers, nor kubernetes, nor NATS_URL" in run_module(nats_stream, name="S")["msg"]
