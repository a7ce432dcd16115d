# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.messaging.nats.plugins.filter.duration_in_seconds import duration_in_seconds
from ansible_collections.messaging.nats.plugins.filter.size_in_bytes import size_in_bytes
from ansible_collections.messaging.nats.plugins.module_utils._common.units import (
    instant,
    parse_duration,
    parse_instant,
    parse_quantity,
    parse_size,
    show_duration,
    show_size,
    utc,
)


@pytest.mark.parametrize(
    ("size", "number"),
    [
        ("10M", 10**7),
        ("10MB", 10 * 2**20),
        ("10MiB", 10 * 2**20),
        ("10Mi", 10 * 2**20),
        ("4GB", 2**32),
        ("1Gi", 2**30),
        ("1.5Gi", 3 * 2**29),
        ("2Ei", 2**61),
        (4096, 4096),
        ("4096", 4096),
    ],
)
def test_sizes_of_nats_and_of_kubernetes_are_bytes(size, number):
    assert size_in_bytes(size) == number


@pytest.mark.parametrize("size", ["", "much", "1.5GB", "5 gigs"])
def test_what_is_no_size_is_refused(size):
    with pytest.raises(AnsibleFilterError, match="is not a size: write 10M"):
        size_in_bytes(size)


@pytest.mark.parametrize(
    ("quantity", "number"),
    [
        ("5Gi", 5 * 2**30),
        ("5G", 5 * 10**9),
        ("1.5Gi", 3 * 2**29),
        ("7k", 7000),
        (12, 12),
        ("5e9", 5 * 10**9),
        ("5E9", 5 * 10**9),
        ("1.5e+3", 1500),
        ("5000e-3", 5),
        ("5E", 5 * 10**18),
    ],
)
def test_a_quantity_is_bytes(quantity, number):
    assert parse_quantity(quantity) == number


@pytest.mark.parametrize(
    "quantity", ["5GB", "5GiB", "5gi", "5K", "-1Gi", "100m", "Gi", "", "5e", "5e9Gi", "e9", "5e1.5"]
)
def test_what_kubernetes_would_not_read_is_refused(quantity):
    with pytest.raises(ValueError, match="is not a Kubernetes quantity: write 5Gi"):
        parse_quantity(quantity)


@pytest.mark.parametrize(("duration", "seconds"), [("30s", 30), ("1m30s", 90), ("1h", 3600), ("500ms", 1), ("2m", 120)])
def test_a_duration_is_whole_seconds(duration, seconds):
    assert duration_in_seconds(duration) == seconds


def test_what_is_no_duration_is_refused():
    with pytest.raises(AnsibleFilterError, match="is not a duration: write 24h"):
        duration_in_seconds("soon")


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("24h", 86_400 * 10**9),
        ("1h30m", 5_400 * 10**9),
        ("500ms", 500 * 10**6),
        ("1.5s", 1_500 * 10**6),
        ("1.001s", 1_001_000_000),  # a float would lose a nanosecond
        ("2d", 172_800 * 10**9),
        ("7", 7),
        (7, 7),
        ("0s", 0),
    ],
)
def test_a_duration_is_nanoseconds(text, nanoseconds):
    assert parse_duration(text) == nanoseconds


@pytest.mark.parametrize("text", ["", "12x", "h", "1h 30m", "-5s", "1e3s", "0.1ns", "999999999999h"])
def test_what_is_no_duration_is_refused_with_how_to_write_it(text):
    with pytest.raises(ValueError, match="write"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [(0, "0s"), (86_400 * 10**9, "24h"), (5_400 * 10**9, "1h30m"), (1_001_000_000, "1s1ms"), (7, "7ns")],
)
def test_a_duration_is_shown_as_people_write_it(nanoseconds, text):
    assert show_duration(nanoseconds) == text
    assert parse_duration(text) == nanoseconds


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("10M", 10**7),
        ("10MB", 10 * 2**20),
        ("10MiB", 10 * 2**20),
        ("10mi", 10 * 2**20),
        ("1k", 1000),
        ("5", 5),
        ("-1", -1),
    ],
)
def test_a_size_is_read_as_the_server_reads_it(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MB", "5 apples", "1.5G", "10XB", "9999999999T"])
def test_what_the_server_reads_as_no_size_is_refused_with_how_to_write_it(text):
    with pytest.raises(ValueError, match="write"):
        parse_size(text)


@pytest.mark.parametrize(("size", "shown"), [(10 * 2**20, "10MiB"), (10**7, 10**7), (2**40, "1TiB"), (-1, -1), (0, 0)])
def test_a_size_is_shown_short_where_that_loses_nothing(size, shown):
    assert show_size(size) == shown


@pytest.mark.parametrize(
    "text",
    [
        "2020-01-01T01:30:00+01:30",
        "2020-01-01 00:00:00Z",
        "2020-01-01t00:00:00z",
        "2020-01-01T00:00:00.000Z",
        "2019-12-31T23:00:00-01:00",
    ],
)
def test_one_moment_has_many_spellings(text):
    assert instant(text) == instant("2020-01-01T00:00:00Z")
    assert parse_instant(text)[10] == "T"


@pytest.mark.parametrize(
    "text", ["", "2020-01-01", "2020-01-01T00:00:00", "2020-13-01T00:00:00Z", "0001-01-01T00:00:00+01:00", None, 5]
)
def test_what_is_no_moment_is_none(text):
    assert instant(text) is None


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2020-01-01T01:00:00+01:00", "2020-01-01T00:00:00Z"),
        ("2020-01-01T00:00:00.500Z", "2020-01-01T00:00:00.5Z"),
        ("2020-01-01T00:00:00.123456789Z", "2020-01-01T00:00:00.123456789Z"),
    ],
)
def test_a_moment_is_written_as_the_server_writes_it(text, written):
    moment = instant(text)
    assert moment is not None
    assert utc(*moment) == written
