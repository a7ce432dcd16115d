# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What follows from the answers of a Kubernetes API about rights: only a clear no refuses."""

from __future__ import annotations

import os

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights import Need, Right
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights_check import Rights, all_missing_named
from tests.support.kubernetes_apis import RecordingApi

RULES, ACCESS = "selfsubjectrulesreviews", "selfsubjectaccessreviews"
PODS = {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]}
LIST, DELETE = (Need(Right("pods", verb, "n"), "to see") for verb in ("list", "delete"))
CORDON, EXEC = Need(Right("nodes", "patch"), "to cordon"), Need(Right("pods/exec", "create", "n"), "to look")


@pytest.fixture
def api(tmp_path, monkeypatch):
    for name in list(os.environ):
        if name.startswith(("K8S_AUTH_", "KUBE")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    made = RecordingApi("api", tmp_path, ())
    yield made
    made.close()


@pytest.fixture
def kubernetes(api):
    return Kubernetes({"host": api.url, "api_key": "t", "ca_cert": api.ca})


def status(**found):
    return 200, {}, {"status": found}


def asked(api):
    return [request.rpartition("/")[2] for request in api.requests]


def denied(message):
    return 403, {}, {"kind": "Status", "message": message, "code": 403}


@pytest.mark.parametrize(
    ("needs", "answers", "missing", "unknown", "requests"),
    [
        ([LIST], [status(resourceRules=[PODS])], [], [], [RULES]),
        ([LIST, DELETE], [status(resourceRules=[PODS])], [DELETE], [], [RULES]),
        ([LIST], [status()], [LIST], [], [RULES]),
        # What no rule has may be granted elsewhere.
        (
            [LIST, DELETE],
            [status(resourceRules=[PODS], incomplete=True), status(allowed=True)],
            [],
            [],
            [RULES, ACCESS],
        ),
        (
            [DELETE],
            [status(resourceRules=[PODS], incomplete=True), status(allowed=False)],
            [DELETE],
            [],
            [RULES, ACCESS],
        ),
        ([LIST], [status(resourceRules=[PODS], incomplete=True)], [], [], [RULES]),
        ([DELETE], [status(evaluationError="a Role is missing"), status(allowed=False)], [DELETE], [], [RULES, ACCESS]),
        # An authorizer that failed has not said no.
        (
            [DELETE],
            [status(incomplete=True), status(allowed=False, evaluationError="timeout")],
            [],
            [DELETE],
            [RULES, ACCESS],
        ),
        (
            [DELETE],
            [status(incomplete=True), status(allowed=False, denied=True, evaluationError="timeout")],
            [DELETE],
            [],
            [RULES, ACCESS],
        ),
        ([DELETE], [status(incomplete=True), denied("no reviews")], [], [DELETE], [RULES, ACCESS]),
        ([LIST, DELETE], [denied("no reviews")], [], [LIST, DELETE], [RULES]),
        ([LIST], [(200, {}, {"kind": "odd"})], [], [LIST], [RULES]),
        # A rule of a namespace grants nothing outside of it.
        ([CORDON], [status(allowed=False)], [CORDON], [], [ACCESS]),
        ([CORDON], [status(allowed=True)], [], [], [ACCESS]),
        # Older versions ask for `get` alone where a command is run over a websocket.
        ([EXEC], [status(), (200, {}, {"major": "1", "minor": "37"})], [EXEC], [], [RULES, "version"]),
        ([EXEC], [status(), (200, {}, {"major": "1", "minor": "35+"})], [EXEC], [], [RULES, "version"]),
        ([EXEC], [status(), (200, {}, {"major": "1", "minor": "34"})], [], [], [RULES, "version"]),
        ([EXEC], [status(), (200, {}, {"gitVersion": "v1"})], [], [EXEC], [RULES, "version"]),
        ([EXEC], [status(), denied("no version")], [], [EXEC], [RULES, "version"]),
    ],
)
def test_a_verdict(api, kubernetes, needs, answers, missing, unknown, requests):
    api.script[:] = answers
    found = Rights(kubernetes).verdict(needs)
    assert (found.missing, found.unknown) == (missing, unknown)
    assert asked(api) == requests
    assert bool(found.remarks()) == bool(unknown)


def test_the_error_names_all_rights_and_the_file_that_grants_them(api, kubernetes):
    api.script[:] = [status(resourceRules=[PODS]), status(allowed=False)]
    with pytest.raises(NatsError) as caught:
        Rights(kubernetes).require([LIST, DELETE], "drain", also=[CORDON])
    error = caught.value
    assert error.code == "RIGHTS_MISSING"
    assert error.cause.splitlines()[1:] == [
        "  - patch nodes in the whole Kubernetes cluster, to cordon",
        "  - delete pods in namespace n, to see",
    ]
    assert "examples/rbac/operator.yaml and examples/rbac/operator-cluster.yaml" in error.remedy


def test_what_is_needed_later_alone_refuses_nothing(api, kubernetes):
    api.script[:] = [status(resourceRules=[PODS])]
    assert Rights(kubernetes).require([LIST], "drain", also=[DELETE]) == []


def test_what_is_not_known_is_a_remark(api, kubernetes):
    api.script[:] = [denied("reviews are off")]
    (remark,) = Rights(kubernetes).require([LIST, DELETE], "drain")
    assert (
        remark
        == "not checked: whether this user may list pods, delete pods, since Kubernetes does not tell: reviews are off"
    )


@pytest.mark.parametrize(
    ("answers", "code", "words"),
    [
        ([denied("pods is forbidden"), status(resourceRules=[])], "RIGHTS_MISSING", "delete, list pods in namespace n"),
        # Nothing is missing by the rules, so that the refusal itself is told.
        ([denied("quota"), status(resourceRules=[{**PODS, "verbs": ["*"]}])], "KUBERNETES_FORBIDDEN", "quota"),
        ([denied("pods is forbidden"), denied("no reviews")], "KUBERNETES_FORBIDDEN", "pods is forbidden"),
        ([(404, {}, {"message": "gone"})], "NOT_FOUND", "gone"),
    ],
)
def test_a_refused_request_is_explained_by_all_that_is_missing(api, kubernetes, answers, code, words):
    api.script[:] = answers
    with pytest.raises(NatsError) as caught, all_missing_named(kubernetes, lambda: [LIST, DELETE], "status"):
        kubernetes.items("/api/v1/namespaces/n/pods", "pods")
    assert caught.value.code == code
    assert words in caught.value.cause
