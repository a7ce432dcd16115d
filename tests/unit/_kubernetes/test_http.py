# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a request to the Kubernetes API is sent again, what its answers mean, and which options count."""

from __future__ import annotations

import json

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

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.known_secrets import kubeconfig_secrets
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import exit_code
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.http import (
    APPLY_PATCH,
    JSON,
    is_repeatable,
    pause,
    pause_unanswered,
    reason_of,
)
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.login import impersonation
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.options import resolve

BUDGET = json.dumps(
    {"details": {"causes": [{"reason": "DisruptionBudget", "message": "needs 2 healthy pods"}]}}
).encode()
MERGE = "application/merge-patch+json"
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
def test_an_answer_that_may_change_is_asked_for_again(tries, status, body, retry_after, repeatable, seconds):
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
def test_what_was_not_sent_or_may_be_sent_twice_is_sent_again(tries, error, repeatable, seconds):
    assert pause_unanswered(tries, error, repeatable) == seconds


@pytest.mark.parametrize(
    ("method", "path", "content_type", "query", "repeatable"),
    [
        ("GET", POD, JSON, {}, True),
        ("GET", f"{POD}/log", JSON, {}, False),
        ("PATCH", POD, APPLY_PATCH, {"force": "true"}, True),
        ("PATCH", POD, MERGE, {}, False),
        ("PATCH", POD, MERGE, {"dryRun": "All"}, True),
        ("POST", f"{POD}/eviction", JSON, {}, False),
        ("PUT", POD, JSON, {}, False),
        ("DELETE", POD, JSON, {}, False),
    ],
)
def test_what_does_the_same_twice(method, path, content_type, query, repeatable):
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
    ("told", "code"),
    [
        ({"status": "Success"}, 0),
        ({"status": "Failure", "details": {"causes": [{"reason": "ExitCode", "message": "3"}]}}, 3),
        ({"status": "Failure", "message": "executable not found"}, "sh in pod p: executable not found."),
        ({"status": "Failure", "details": {"causes": [{"reason": "ExitCode"}]}}, "sh in pod p: it ended without"),
        (None, "sh in pod p: it ended without an exit code."),
    ],
)
def test_the_end_of_a_command(told, code):
    body = b"" if told is None else json.dumps(told).encode()
    if isinstance(code, int):
        assert exit_code(body, "sh in pod p") == code
    else:
        with pytest.raises(NatsError) as error:
            exit_code(body, "sh in pod p")
        assert str(error.value).startswith(code)


@pytest.mark.parametrize(
    ("options", "environ", "found"),
    [
        ({}, {}, {"proxy_headers": {}}),
        ({"host": "h"}, {"K8S_AUTH_HOST": "e"}, {"host": "h"}),
        ({"host": None}, {"K8S_AUTH_HOST": "e"}, {"host": "e"}),
        ({"context": ""}, {"K8S_AUTH_CONTEXT": "e"}, {"context": ""}),
        ({}, {"K8S_AUTH_VERIFY_SSL": "No"}, {"validate_certs": False}),
        ({}, {"K8S_AUTH_VERIFY_SSL": "off"}, {"validate_certs": True}),
        ({}, {"K8S_AUTH_VALIDATE_CERTS": "0", "K8S_AUTH_VERIFY_SSL": "1"}, {"validate_certs": False}),
        ({"validate_certs": False}, {"K8S_AUTH_VERIFY_SSL": "1"}, {"validate_certs": False}),
        ({"verify_ssl": False}, {}, {"validate_certs": False}),
        ({}, {"K8S_AUTH_CA_CERT": "", "K8S_AUTH_SSL_CA_CERT": "f"}, {"ca_cert": "f"}),
        ({}, {"K8S_AUTH_IMPERSONATE_GROUPS": "a,,b"}, {"impersonate_groups": ["a", "b"]}),
        ({}, {"K8S_AUTH_PROXY_HEADERS_USER_AGENT": "u"}, {"proxy_headers": {"user_agent": "u"}}),
        ({"namespace": "n", "state": "present"}, {}, {}),
    ],
)
def test_an_option_beats_its_variable(options, environ, found):
    assert resolve(options, environ) == {"proxy_headers": {}} | found


@pytest.mark.parametrize(
    ("given", "headers"),
    [
        ({}, ()),
        ({"impersonate_user": "u"}, (("Impersonate-User", "u"),)),
        (
            {"impersonate_user": "u", "impersonate_groups": ["a", "b"]},
            (("Impersonate-User", "u"), ("Impersonate-Group", "a"), ("Impersonate-Group", "b")),
        ),
        ({"impersonate_user": ""}, ()),
    ],
)
def test_each_group_is_a_header_of_its_own(given, headers):
    assert impersonation(given) == headers


def test_the_secrets_of_a_kubeconfig_are_known():
    users = [
        {"name": "a", "user": {"token": "t", "client-key-data": "k"}},
        {"name": "b", "user": {"password": "p", "username": "u"}},
        {"name": "c", "user": {"exec": {"command": "c", "env": [{"name": "LOGIN", "value": "e"}]}}},
        {"name": "d", "user": {"auth-provider": {"config": {"id-token": "i", "refresh-token": "r"}}}},
    ]
    assert kubeconfig_secrets({"users": users, "clusters": []}) == {"t", "k", "p", "e", "i", "r"}
    assert kubeconfig_secrets("path") == set()
