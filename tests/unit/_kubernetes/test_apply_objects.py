# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects are applied and deleted only if they are still those of the plan, in an order that works."""

from __future__ import annotations

import base64
from http import HTTPStatus

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes import apply_objects
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.apply_objects import (
    Objects,
    names,
    versions_after,
)
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.object_versions import versions
from tests.support.stored_objects import StoredObjects


def item(kind="ConfigMap", name="a", **content):
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "nats"}} | content


@pytest.fixture
def store():
    return StoredObjects()


def stored(store, *items):
    return versions([store.put(store.path(entry), entry) for entry in items])


def test_secrets_come_first_and_workloads_last(store):
    kinds = ["Service", "StatefulSet", "Secret", "Namespace", "Job", "ConfigMap"]
    Objects(store).apply([item(kind) for kind in kinds])
    written = [path.split("/")[1] for _method, path in store.writes]
    assert written[:2] == ["Namespace", "Secret"]
    assert set(written[2:4]) == {"Service", "ConfigMap"}
    assert set(written[4:]) == {"StatefulSet", "Job"}


def test_only_what_differs_counts_as_changed(store):
    seen = stored(store, item(name="a", data={"x": "1"}), item(name="b", data={"x": "1"}))
    applied = Objects(store, seen).apply([item(name=name, data={"x": "1" if name == "a" else "2"}) for name in "abc"])
    assert names(applied) == ["ConfigMap b", "ConfigMap c"]
    assert versions_after(applied) == versions(store.objects.values())


def deleted(store):
    store.objects.clear()


def created_again(store):
    deleted(store)
    stored(store, item(data={"x": "1"}))


def changed(store):
    stored(store, item(data={"x": "by hand"}))


@pytest.mark.parametrize(
    ("meanwhile", "cause"),
    [
        (deleted, "it was deleted since"),
        (created_again, "it was deleted and created again since"),
        (changed, "it was changed since this play made its plan, by somebody"),
    ],
)
def test_nothing_is_applied_where_one_object_is_not_the_one_of_the_plan(store, meanwhile, cause):
    seen = stored(store, item(data={"x": "1"}))
    meanwhile(store)
    with pytest.raises(NatsError, match=f"ConfigMap a in namespace nats: {cause}") as error:
        Objects(store, seen).apply([item(data={"x": "2"}), item("Secret")])
    assert (error.value.code, error.value.err_code) == ("PLAN_OUTDATED", HTTPStatus.CONFLICT)
    assert store.writes == []


def test_an_object_that_somebody_created_since_the_plan_stays(store):
    stored(store, item(data={"x": "theirs"}))
    with pytest.raises(NatsError, match="it was created since this play made its plan") as error:
        Objects(store, {}).apply([item(data={"x": "2"})])
    assert error.value.code == "PLAN_OUTDATED"
    store.objects.clear()
    store.before_write = lambda path: store.put(path, item(data={"x": "theirs"}))
    with pytest.raises(NatsError, match="it was created since this play made its plan"):
        Objects(store, {}).apply([item(data={"x": "2"})])


def test_without_a_plan_an_object_is_applied_whatever_it_is(store):
    stored(store, item(data={"x": "theirs"}))
    assert names(Objects(store).apply([item(data={"x": "2"})])) == ["ConfigMap a"]


def test_a_status_that_a_controller_writes_meanwhile_is_no_change(store):
    seen = stored(store, item("Service", spec={"x": "1"}))

    def status(path):
        store.before_write = lambda _path: None
        store.put(path, item("Service", spec={"x": "1"}, status={"ready": 1}))

    store.before_write = status
    assert names(Objects(store, seen).apply([item("Service", spec={"x": "2"})])) == ["Service a"]
    assert store.objects["/Service/a"]["spec"] == {"x": "2"}


def test_a_status_that_changes_all_the_time_ends_the_tries(store):
    seen = stored(store, item("Service", spec={"x": "1"}))
    store.before_write = lambda path: store.put(path, item("Service", spec={"x": "1"}, status={"ready": 1}))
    with pytest.raises(NatsError, match="its status changed during each of 10 tries") as error:
        Objects(store, seen).apply([item("Service", spec={"x": "2"})])
    assert error.value.code == "KUBERNETES_CONFLICT"


def test_a_dry_run_writes_nothing(store):
    seen = stored(store, item(data={"x": "1"}))
    objects = Objects(store, seen, dry_run=True)
    assert names(objects.apply([item(data={"x": "2"})])) == ["ConfigMap a"]
    assert [entry["kind"] for entry in objects.delete([item()], timeout=1)] == ["ConfigMap"]
    assert store.writes == []


def test_all_failures_are_reported_and_later_objects_are_not_applied(store):
    codes = {"/Service/a": "KUBERNETES_FORBIDDEN", "/ConfigMap/a": "KUBERNETES_INVALID"}

    def refuse(path):
        if path in codes:
            raise NatsError(path, "refused", code=codes[path])

    store.before_write = refuse
    with pytest.raises(NatsError, match=r"2 objects: /ConfigMap/a: refused.*\n/Service/a: refused") as error:
        Objects(store).apply([item("ConfigMap"), item("Service"), item("StatefulSet"), item("Secret")])
    assert error.value.code == "SEVERAL_FAILURES"
    assert store.writes == [("PATCH", "/Secret/a")]
    codes["/Service/a"] = codes["/ConfigMap/a"]
    with pytest.raises(NatsError) as error:
        Objects(store).apply([item("ConfigMap"), item("Service")])
    assert error.value.code == "KUBERNETES_INVALID"


def test_a_refusal_shows_no_value_of_a_secret(store):
    value = base64.b64encode(b"hidden").decode()

    def refuse(_path):
        raise NatsError("Secret a", f"can't decode {value} or word", code="KUBERNETES_INVALID")

    store.before_write = refuse
    with pytest.raises(NatsError) as error:
        Objects(store).apply([item("Secret", data={"x": value}, stringData={"y": "word"})])
    assert error.value.cause == "can't decode ******** or ********"
    assert error.value.code == "KUBERNETES_INVALID"


def test_objects_are_deleted_in_their_order_and_missing_ones_are_left_out(store):
    stored(store, item("Service"), item("ConfigMap"))
    obsolete = [item("Service"), item("Service", "none"), item("ConfigMap")]
    assert [entry["kind"] for entry in Objects(store).delete(obsolete, timeout=1)] == ["Service", "ConfigMap"]
    assert store.writes == [("DELETE", "/Service/a"), ("DELETE", "/ConfigMap/a")]


def test_an_object_that_was_created_again_is_not_deleted(store):
    stored(store, item())
    planned = item()
    planned["metadata"]["uid"] = "another"
    with pytest.raises(NatsError, match="it was deleted and created again") as error:
        Objects(store).delete([planned], timeout=1)
    assert error.value.code == "PLAN_OUTDATED"
    assert store.writes == []


def test_a_finalizer_that_does_not_end_is_named(store, monkeypatch):
    monkeypatch.setattr(apply_objects, "POLL_INTERVAL_S", 0.01)
    stored(store, item())
    store.objects["/ConfigMap/a"]["metadata"]["finalizers"] = ["example.org/keep"]
    monkeypatch.setattr(store, "call", lambda *_arguments, **_query: {})
    with pytest.raises(NatsError, match=r"its finalizers: example\.org/keep") as error:
        Objects(store).delete([item()], timeout=0.05)
    assert error.value.code == "TIMED_OUT"
