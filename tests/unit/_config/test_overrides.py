# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._config.overrides import merge, merge_overrides


@pytest.mark.parametrize(
    ("base", "change", "merged"),
    [
        ({"a": 1, "b": 2}, {"b": 3}, {"a": 1, "b": 3}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": 3, "d": 4}}, {"a": {"b": 1, "c": 3, "d": 4}}),
        ({"a": 1, "b": 2}, {"b": None}, {"a": 1}),
        ({}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"b": 1}}, {"a": "text"}, {"a": "text"}),
        ({"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}, {"env": [{"name": "B", "value": "3"}, {"name": "C"}]},
         {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "3"}, {"name": "C"}]}),
        ({"env": [{"name": "A", "value": "1"}]}, {"env": [{"name": "A", "value": None, "valueFrom": 2}]}, {"env": [{"name": "A", "valueFrom": 2}]}),
        ({"claims": [{"metadata": {"name": "data"}, "spec": 1}]}, {"claims": [{"metadata": {"name": "data"}, "spec": 2}]},
         {"claims": [{"metadata": {"name": "data"}, "spec": 2}]}),
        ({"volumeMounts": [{"name": "data", "mountPath": "/data"}]}, {"volumeMounts": [{"name": "data", "mountPath": "/more"}]},
         {"volumeMounts": [{"name": "data", "mountPath": "/data"}, {"name": "data", "mountPath": "/more"}]}),
        ({"tolerations": [{"key": "a"}]}, {"tolerations": [{"key": "b"}]}, {"tolerations": [{"key": "b"}]}),
        ({"env": [{"name": "A"}]}, {"env": []}, {"env": []}),
        ({}, {"env": [{"name": "A"}]}, {"env": [{"name": "A"}]}),
    ],
)  # fmt: skip
def test_a_change_is_merged_into_what_it_changes(base, change, merged):
    assert merge(base, change) == merged


def test_nothing_given_is_changed_in_place():
    base, change = {"a": {"b": [{"name": "x"}]}}, {"a": {"b": [{"name": "x", "y": 1}]}}
    merge(base, change)
    assert (base, change) == ({"a": {"b": [{"name": "x"}]}}, {"a": {"b": [{"name": "x", "y": 1}]}})


def _thing(kind, name, **rest):
    return {"kind": kind, "metadata": {"name": name}, **rest}


def test_a_kind_is_for_all_its_objects_and_a_name_for_one():
    things = [_thing("Service", "nats"), _thing("Service", "nats-external"), _thing("StatefulSet", "nats")]
    overrides = {"Service/nats-external": {"spec": 2}, "Service": {"spec": 1}}
    assert [thing.get("spec") for thing in merge_overrides(things, overrides)] == [1, 2, None]
