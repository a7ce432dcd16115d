# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The stream that a mirror copies, or a source of messages. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._jetstream.field_types import (
    NestedError,
    Type,
    integer,
    list_of,
    not_negative,
    record,
    string,
    subject,
    time,
    with_names,
)

NO_DOMAIN = re.compile(r"[\s.*>]")


def domain_api(domain: str) -> str:
    """The prefix under which the JetStream API of a domain answers."""
    return f"$JS.{domain}.API"


def with_domain(of: Type) -> Type:
    """An origin whose `external.api` may be written as the `domain` that it belongs to."""

    def parse(value: Mapping[str, Any]) -> Any:
        written = dict(value)
        domain = written.pop("domain", None)
        if domain is None:
            return of.parse(written)
        if written.get("external") is not None:
            raise NestedError(".domain and external exclude one another: write one of them")
        if not domain.strip():
            raise NestedError(".domain is empty: write a domain, or leave the option out")
        if NO_DOMAIN.search(domain):
            raise NestedError(f".domain: {domain!r} is not a domain: write a name without spaces, dots and wildcards")
        return of.parse(written | {"external": {"api": domain_api(domain)}})

    options = of.spec["options"] | {"domain": {"type": "str"}}
    return replace(of, spec=of.spec | {"options": options}, parse=parse)


TRANSFORM = record(("src", subject), ("dest", string), echoed=("src", "dest"))
# The server drops an empty name, and a mirror without a name is an ordinary stream.
ORIGIN = with_domain(
    with_names(
        record(
            ("name", string),
            ("opt_start_seq", not_negative(integer)),
            ("opt_start_time", time),
            ("filter_subject", subject),
            ("subject_transforms", list_of(TRANSFORM)),
            ("external", record(("api", string), ("deliver", string), echoed=("api", "deliver"))),
            ("consumer", record(("name", string), ("deliver_subject", string))),
            since={"consumer": 4},
        ),
        "name",
        "external.api",
        "consumer.name",
    )
)


def same_source(entry: Mapping[str, Any]) -> Hashable:
    """What makes two entries of `sources` the same source, for the server too."""
    transforms = entry.get("subject_transforms") or []
    return (
        entry.get("name") or "",
        (entry.get("external") or {}).get("api") or "",
        entry.get("filter_subject") or "",
        tuple((transform.get("src") or "", transform.get("dest") or "") for transform in transforms),
    )
