# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.messaging.nats.plugins.filter.duration_in_seconds import duration_in_seconds
from ansible_collections.messaging.nats.plugins.filter.size_in_bytes import size_in_bytes
from ansible_collections.messaging.nats.plugins.module_utils._common.units import parse_quantity


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
