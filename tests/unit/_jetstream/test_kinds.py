# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which streams are buckets."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.kinds import kind_of


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ({"name": "S", "subjects": ["s"]}, "streams"),
        ({"name": "KV_b", "subjects": ["$KV.b.>"], "max_msgs_per_subject": 5}, "kv"),
        ({"name": "KV_b", "mirror": {"name": "KV_a"}, "max_msgs_per_subject": 1}, "kv"),
        ({"name": "KV_b", "subjects": ["other"], "max_msgs_per_subject": 5}, "streams"),
        ({"name": "KV_b!", "subjects": ["$KV.b!.>"], "max_msgs_per_subject": 5}, "streams"),
        ({"name": "KV_b", "subjects": ["$KV.b.>"], "max_msgs_per_subject": 65}, "streams"),
        ({"name": "KV_b", "subjects": ["$KV.b.>"], "max_msgs_per_subject": 5, "retention": "workqueue"}, "streams"),
        ({"name": "OBJ_b", "subjects": ["$O.b.C.>", "$O.b.M.>"]}, "object_stores"),
        ({"name": "OBJ_b", "mirror": {"name": "OBJ_a"}}, "streams"),
    ],
)
def test_a_stream_is_a_bucket_where_nothing_of_it_is_lost(config, kind):
    assert kind_of(config) == kind
