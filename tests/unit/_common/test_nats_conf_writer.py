# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import date
from textwrap import dedent

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.messaging.nats.plugins.filter.to_nats_conf import to_nats_conf

HASH = "$2b$04$vAEAOrtqUOV5t5acZTbrQOctX/lJDZhIAFUNgrahtCuPdOqIx7ed6"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (4222, "4222"),
        (-1, "-1"),
        (0.5, "0.5"),
        (True, "true"),
        ("2s", '"2s"'),
        ("$HOME", '"$HOME"'),
        ("10MB", '"10MB"'),
        ('a\\b"c', '"a\\\\b\\"c"'),
        ("new\nline ünï😀 # {{", '"new\nline ünï😀 # {{"'),
        ({"$env": "SERVER_NAME"}, "$SERVER_NAME"),
        (1e20, "100000000000000000000.0"),
        (1e-5, "0.00001"),
        (2**63 - 1, "9223372036854775807"),
        ([], "[]"),
        # The server reads `1]` as a word.
        ([1], "[1 ]"),
        ([[2], {"a": [3]}], "[[2 ], { a: [3 ] }]"),
        (["1"], '["1"]'),
        ([1, "a", False], '[1, "a", false]'),
        (
            [{"user": "app", "permissions": {"publish": ["a", "b"]}}],
            '[{ user: "app", permissions: { publish: ["a", "b"] } }]',
        ),
    ],
)
def test_a_value_is_written_as_the_server_reads_it(value, text):
    assert to_nats_conf({"key": value}) == f"key: {text}\n"


def test_mappings_are_blocks_in_the_order_they_have():
    data = {
        "port": 4222,
        "accounts": {"SYS": {}, "APP": {"users": [{"user": "app", "password": HASH}], "exports": None}},
    }
    expected = f"""\
        port: 4222
        accounts {{
          SYS {{
          }}
          APP {{
            users: [{{ user: "app", password: "{HASH}" }}]
          }}
        }}
        """
    assert to_nats_conf(data).replace(" [\n      {", " [{").replace(" }\n    ]", " }]") == dedent(expected)


def test_a_long_list_has_a_line_for_each_item():
    routes = [f"nats://nats-{pod}.nats.nats.svc:6222" for pod in range(3)]
    lines = to_nats_conf({"routes": routes}).splitlines()
    assert lines == ["routes: [", *(f'  "{route}"' for route in routes), "]"]


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("max_payload", "10MB", 10 * 2**20),
        ("max_payload", "10M", 10**7),
        ("Max_Payload", "256KB", 256 * 2**10),
        ("max_file_store", "4GB", 4 * 2**30),
        ("max_mem", 5, 5),
        ("meta_compact_size", "64MiB", 2**26),
    ],
)
def test_a_size_under_a_key_that_wants_one_is_a_number(key, value, text):
    assert to_nats_conf({key: value}) == f"{key}: {text}\n"


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("max_payload", "max_payload"),
        ("A-B", "A-B"),
        ("orders.*", '"orders.*"'),
        ("1st", '"1st"'),
        ("include", '"include"'),
        ('say "hi"', "'say \"hi\"'"),
    ],
)
def test_a_key_is_quoted_where_it_has_to_be(key, text):
    assert to_nats_conf({key: 1}) == f"{text}: 1\n"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"jetstream": {"max_file_store": "4 gallons"}}, "jetstream.max_file_store: '4 gallons' is not a size"),
        ({"users": [{"password": "$2a$mine"}]}, r"users\[0\].password: the server would take"),
        ({"leafnodes": {"token": "$2x$"}}, "leafnodes.token: the server would take"),
        ({"key": date(2026, 1, 1)}, "key: .* can't be written in nats.conf"),
        ({"a": {"b": [{"c": object()}]}}, r"a.b\[0\].c: .* can't be written in nats.conf"),
        ({"key": {"$env": "NOT A NAME"}}, "key: the value of .env is not the name of an environment variable"),
        ({"both ' and \"": 1}, "cannot hold the key"),
        # The server would take it for the end of the file, and go on without users and passwords.
        ({"a": {"\0": 1}, "accounts": {}}, "cannot hold the key"),
        ({"a": {"b": "x\0"}}, r"a\.b: nats.conf cannot hold a text with a NUL"),
        ({"a": ["\ud800"]}, r"a\[0\]: nats.conf cannot hold a text with a NUL or half of a surrogate pair"),
        ({"\ud800": 1}, "cannot hold the key"),
        ({"a": 2**63}, "a: the server reads integers of 64 bits"),
        ({"max_payload": "9000000TB"}, "max_payload: 9000000TB does not fit into 64 bits"),
        ({"a": float("inf")}, "a: nats.conf has no number inf"),
        ({"a": float("nan")}, "a: nats.conf has no number nan"),
        # Unquoted, YAML reads the country code of Norway as a truth value.
        ({"accounts": {False: {}}}, "accounts: False is a key that YAML read as a truth value: write it in quotes"),
        ({"a": [{True: 1}]}, r"a\[0\]: True is a key that YAML read"),
        ({"mappings": {1: "a", "1": "b"}}, "mappings: the key 1 is there as a number and as a text"),
        (
            {"b": [{"$env": "A"}], "c": {"A": 1}},
            "A: the server would read this key where .env means the environment variable",
        ),
    ],
)
def test_what_cannot_be_written_is_refused_by_name(data, sentence):
    with pytest.raises(AnsibleFilterError, match=sentence):
        to_nats_conf(data)


def test_no_error_shows_a_password():
    with pytest.raises(AnsibleFilterError) as refused:
        to_nats_conf({"password": "$2b$secret"})
    assert "secret" not in str(refused.value)
