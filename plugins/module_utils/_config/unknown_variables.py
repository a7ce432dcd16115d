# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Finds mistyped variables of a role. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from difflib import get_close_matches

# The similarity from which a name is taken for a mistyped one: natscluster_namespace is, nats_namespace is not.
MISTYPED = 0.93


def unknown_variables(given: Collection[str], known: Collection[str], others: Collection[str] = ()) -> list[str]:
    """Sentences about variables that a role does not have: those with its prefix, and `others` that are almost one of its own."""
    return [*_unknown_variables(given, known), *_mistyped_prefix(others, known)]


def _unknown_variables(given: Collection[str], known: Collection[str]) -> Iterator[str]:
    """Variables with the role's prefix that it does not have. An ignored variable could have been meant to protect something."""
    prefix = "_".join(min(known).split("_")[:2]) + "_"  # of the role: nats_cluster_, nats_resources_
    words = sorted(name.removeprefix(prefix) for name in known)
    for name in sorted(set(given) - set(known)):
        close = get_close_matches(name.removeprefix(prefix), words, n=1)
        meant = f"write {prefix}{close[0]}, or " if close else ""
        yield f"{name}: this version of the role has no such variable: {meant}use another prefix for a variable of your own"


def _mistyped_prefix(others: Collection[str], known: Collection[str]) -> Iterator[str]:
    """Names without the role's prefix that are almost a variable of the role. A name such as my_nats_cluster_name is not."""
    for name in sorted(others):
        contains_known = any(variable in name for variable in known)
        if (
            name.startswith("nats")
            and not contains_known
            and (close := get_close_matches(name, known, n=1, cutoff=MISTYPED))
        ):
            meant = f"this name is almost {close[0]}: write that, or use a name that differs more"
            yield f"{name}: the role has no such variable, and {meant}"
