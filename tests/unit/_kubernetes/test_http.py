# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a request to the Kubernetes API is sent again, and what its answers mean."""

from __future__ import annotations

import gc
import json
import socket

import pytest
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.http import (
    APPLY_PATCH,
    JSON,
    MERGE_PATCH,
    EndingWebSocket,
    error_code,
    is_repeatable,
    pause,
    pause_unanswered,
    reason_of,
    remedy_of,
)

BUDGET = json.dumps(
    {"details": {"causes": [{"reason": "DisruptionBudget", "message": "needs 2 healthy pods"}]}}
).encode()
POD = "/api/v1/namespaces/n/pods/nats-0"


@pytest.mark.parametrize(
    ("tries", "status", "body", "retry_after", "repeatable", "seconds"),
    [
        (1, 429, b"", None, False, 1),
        (1, 429, b"", "3", False, 3),
        (1, 429, b"", "3600", False, 10),
        (1, 429, b"", "Wed, 21 Oct 2026 07:28:00 GMT", False, 1),
        (4, 429, b"", None, True, 8),
        (5, 429, b"", "1", True, None),
        (1, 429, BUDGET, "10", False, None),
        (1, 429, b'["?"]', None, False, 1),
        (1, 500, b"", None, True, 0.5),
        (1, 503, b"", "2", True, 2),
        (3, 504, b"", None, True, 2),
        (4, 502, b"", None, True, None),
        (1, 500, b"", None, False, None),
        (1, 501, b"", None, True, None),
        (1, 404, b"", None, True, None),
        (1, 409, b"", None, True, None),
        (1, 403, b"", "1", True, None),
    ],
)
def test_a_request_is_sent_again_after_an_overload_or_an_internal_error(
    tries, status, body, retry_after, repeatable, seconds
):
    assert pause(tries, status, body, retry_after, repeatable) == seconds


@pytest.mark.parametrize(
    ("tries", "error", "repeatable", "seconds"),
    [
        (1, NewConnectionError(HTTPConnection("api"), "refused"), False, 0.5),
        (2, ConnectTimeoutError("slow"), False, 1),
        (3, NewConnectionError(HTTPConnection("api"), "refused"), True, None),
        (1, ProtocolError("reset"), True, 0),
        (2, ProtocolError("reset"), True, None),
        (1, ProtocolError("reset"), False, None),
        (1, ReadTimeoutError(HTTPConnectionPool("api"), "/", "slow"), True, 0),
        (1, ReadTimeoutError(HTTPConnectionPool("api"), "/", "slow"), False, None),
        (1, SSLError("certificate"), True, None),
        (1, ProxyError("407", OSError()), True, None),
    ],
)
def test_an_unanswered_request_that_was_not_sent_or_is_repeatable_is_sent_again(tries, error, repeatable, seconds):
    assert pause_unanswered(tries, error, repeatable) == seconds


@pytest.mark.parametrize(
    ("method", "path", "content_type", "query", "repeatable"),
    [
        ("GET", POD, JSON, {}, True),
        ("GET", f"{POD}/log", JSON, {}, False),
        ("PATCH", POD, APPLY_PATCH, {"force": "true"}, True),
        ("PATCH", POD, MERGE_PATCH, {}, False),
        ("PATCH", POD, MERGE_PATCH, {"dryRun": "All"}, True),
        ("POST", f"{POD}/eviction", JSON, {}, False),
        ("PUT", POD, JSON, {}, False),
        ("DELETE", POD, JSON, {}, False),
    ],
)
def test_which_requests_are_repeatable(method, path, content_type, query, repeatable):
    assert is_repeatable(method, path, content_type, query) is repeatable


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (404, b'{"message": "pods \\"nats-0\\" not found"}', 'pods "nats-0" not found'),
        (
            429,
            b'{"message": "Cannot evict.", "details": {"causes": [{"message": "needs 2"}]}}',
            "Cannot evict. needs 2",
        ),
        (
            429,
            b"Too many requests, please try again later.\n",
            "status 429 Too Many Requests: Too many requests, please",
        ),
        (502, b"<html><body>Bad Gateway</body></html>", "status 502 Bad Gateway"),
        (500, b"", "status 500 Internal Server Error"),
        (599, b'{"details": null}', "status 599"),
        (500, b'"text"', "status 500 Internal Server Error"),
    ],
)
def test_the_reason_is_the_servers_own_sentence(status, body, sentence):
    assert reason_of(status, body).startswith(sentence)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, b"", "KUBERNETES_UNAUTHORIZED"),
        (403, b"", "KUBERNETES_FORBIDDEN"),
        (404, b"", "NOT_FOUND"),
        (409, b"", "KUBERNETES_CONFLICT"),
        (422, b"", "KUBERNETES_INVALID"),
        (429, b"", "KUBERNETES_UNAVAILABLE"),
        (429, BUDGET, "DISRUPTION_BUDGET"),
        (503, BUDGET, "KUBERNETES_UNAVAILABLE"),
        (418, b"", "KUBERNETES_REFUSED"),
    ],
)
def test_each_status_has_a_code(status, body, code):
    assert error_code(status, body) == code


@pytest.mark.parametrize(
    ("status", "reason", "begins"),
    [
        (403, 'User "x" cannot get resource "pods" in API group ""', "Ask for the right"),
        (403, 'pods "nats-0" is forbidden: exceeded quota: small, requested: cpu=1', "Raise the ResourceQuota"),
        (
            403,
            "unable to create new content in namespace n because it is being terminated",
            "Wait until the namespace is gone",
        ),
        (403, 'pods "nats-0" is forbidden: violates PodSecurity "restricted:latest": hostNetwork', "Leave out what"),
        (403, "minimum cpu usage per Container is 500m, but request is 250m", "Ask for what the LimitRange"),
        (409, "exceeded quota", "Another tool owns"),
        (500, "internal", ""),
    ],
)
def test_the_remedy_fits_the_cause_of_a_refusal(status, reason, begins):
    remedy = remedy_of(status, reason)
    assert remedy.startswith(begins) if begins else remedy == ""


def test_a_websocket_that_is_dropped_closes_its_socket():
    near, far = socket.socketpair()
    link = EndingWebSocket()
    link.sock = near
    del link
    gc.collect()
    assert near.fileno() == -1
    far.close()
