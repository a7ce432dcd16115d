# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""What fields of a stream contradict one another. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.messaging.nats.plugins.module_utils._common.units import show_duration
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.resource import Context, Refusal, invalid
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.subjects import SubjectIndex
from ansible_collections.messaging.nats.plugins.module_utils._nats.step import Config


def stream_objections(after: Config, context: Context) -> Iterator[Refusal]:
    """What the server would refuse of a stream, or store otherwise than it is written."""
    yield from _overlapping_subjects(after.get("subjects") or [])
    yield from _one_sided_transforms(after)
    yield from _own_fields_of_a_mirror(after, context)
    if after.get("max_age") and after.get("duplicate_window", 0) > after["max_age"]:
        window, age = show_duration(after["duplicate_window"]), show_duration(after["max_age"])
        yield invalid(f"duplicate_window: {window} is longer than max_age, {age}", "Lower it or leave it out.")
    if after.get("discard_new_per_subject") and (
        after.get("discard") != "new" or after.get("max_msgs_per_subject", -1) < 1
    ):
        yield invalid(
            "discard_new_per_subject needs discard: new and max_msgs_per_subject", "Set these two options too."
        )


def _overlapping_subjects(subjects: list[str]) -> Iterator[Refusal]:
    if twice := sorted({subject for subject in subjects if subjects.count(subject) > 1}):
        yield invalid(f"subjects: {', '.join(twice)} is listed twice", "List each subject once.")
    index = SubjectIndex()
    for subject in sorted(set(subjects)):
        if others := index.owners(subject):
            yield invalid(
                f"subjects: {subject} and {min(others)} overlap", "Write subjects of which no message has two."
            )
        index.add(subject, subject)


def _one_sided_transforms(after: Config) -> Iterator[Refusal]:
    for option, transform in _transforms(after):
        source, destination = transform.get("src") or ">", transform.get("dest") or ""
        if destination and _is_open(source) != _is_open(destination):
            yield invalid(
                f"{option}: src {source} and dest {destination} must both end in > or neither",
                "Write a > at both ends.",
            )


def _is_open(subject: str) -> bool:
    return subject.split(".")[-1] == ">"


def _transforms(after: Config) -> Iterator[tuple[str, Config]]:
    """Everything that gives messages another subject, with its option."""
    for option in ("subject_transform", "republish"):
        if after.get(option):
            yield option, after[option]
    for option, origins in (("mirror", [after.get("mirror") or {}]), ("sources", after.get("sources") or [])):
        for origin in origins:
            for transform in origin.get("subject_transforms") or []:
                yield f"{option}: subject_transforms", transform


def _own_fields_of_a_mirror(after: Config, context: Context) -> Iterator[Refusal]:
    mirror = after.get("mirror")
    if mirror and not mirror.get("name"):
        yield invalid("mirror.name is missing", "Write the stream to mirror, or mirror: {} for no mirror.")
    if context.creates and after.get("mirror_direct") and not mirror:
        yield invalid("mirror_direct: only a mirror has it", "Leave it out.")
    for key in ("subjects", "sources"):
        if mirror and after.get(key):
            yield invalid(f"{key}: a mirror has no {key} of its own", "Leave them out.")
