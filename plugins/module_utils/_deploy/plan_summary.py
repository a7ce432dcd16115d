# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""A plan in sentences. Pure: talks to nobody. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from ansible_collections.messaging.nats.plugins.module_utils._common.masking import (
    masked_conf,
)
from ansible_collections.messaging.nats.plugins.module_utils._config.deployment_record import DEPLOYED_ANNOTATION
from ansible_collections.messaging.nats.plugins.module_utils._config.reload_rules import needs_restart
from ansible_collections.messaging.nats.plugins.module_utils._deploy.declared_objects import configuration_of
from ansible_collections.messaging.nats.plugins.module_utils._deploy.facts import DeclaredCluster, Running
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import (
    VERSION_LABEL,
    Counterpart,
    FieldChange,
    is_restart_time,
    sentence,
)
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.pod_state import ordinal


def masked_config_diff(before: str, after: str) -> list[str]:
    """The lines of nats.conf that differ, masked."""
    lines = difflib.unified_diff(masked_conf(before).splitlines(), masked_conf(after).splitlines(), lineterm="", n=0)
    changed = [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    # The revision is a hash of the rest, so it differs whenever anything does.
    return [line for line in changed if not line[1:].lstrip().startswith(("server_metadata {", "revision: "))]


# Where the differences of a StatefulSet are.
TEMPLATE_PATH, UPDATE_PATH = "spec.template.", "spec.updateStrategy."
CONFIG_SECRET_PATH = ".volumes[config].secret.secretName"


def scale_in_words(running: Running, wanted: DeclaredCluster, leaving: tuple[str, ...]) -> Iterator[str]:
    if leaving:
        count = max(running.replicas, *(ordinal(name) + 1 for name in leaving))
        how = f"{', '.join(leaving)}, one at a time, each emptied first"
        yield f"scale in from {count} to {wanted.replicas} servers: {how}"


def scale_out_words(running: Running, wanted: DeclaredCluster, joining: tuple[str, ...]) -> Iterator[str]:
    if joining:
        yield f"scale out from {running.replicas} to {wanted.replicas} servers: {', '.join(joining)} join"


def reload_words(pairs: list[Counterpart], running: Running, reload: bool) -> Iterator[str]:
    if reload:
        yield "reload nats.conf on every server, without a restart"
        by_reason: dict[tuple[str, ...], list[str]] = {}
        for name, reasons in running.loaded.missing.items():
            by_reason.setdefault(reasons, []).append(name)
        for reasons, names in by_reason.items():
            yield f"not loaded on {', '.join(names)}: {'; '.join(reasons)}"
    declared = configuration_of(pairs)
    if running.configuration and declared:
        for line in masked_config_diff(running.configuration, declared):
            yield f"nats.conf: {line}"


def restart_keys(pairs: list[Counterpart], running: Running) -> list[str]:
    declared = configuration_of(pairs)
    version = (running.statefulset["metadata"].get("labels") or {}).get(VERSION_LABEL, "")
    return needs_restart(running.configuration, declared, version) if running.configuration and declared else []


def roll_words(rolling: tuple[str, ...], template: list[FieldChange], keys: list[str]) -> Iterator[str]:
    if not rolling:
        return
    why = [
        "a restart was asked for"
        if is_restart_time(change)
        else sentence((change[0].removeprefix(TEMPLATE_PATH), *change[1:]))
        for change in template
        if not change[0].endswith(CONFIG_SECRET_PATH)
    ]
    if keys:
        why.append(f"nats.conf: a running server does not take over {', '.join(keys)}")
    yield f"restart {', '.join(rolling)}, one at a time: {'; '.join(why) or 'they are not of the newest revision yet'}"


def other_words(differing: dict[str, list[FieldChange]]) -> Iterator[str]:
    for name, found in differing.items():
        if any(change[0].endswith(DEPLOYED_ANNOTATION) for change in found):
            yield f"note what is deployed in {name}"
        rest = [change for change in found if not _is_told_elsewhere(change)]
        if name.startswith("Secret ") and len(rest) > 1:
            *most, last = (change[0] for change in rest)
            yield f"change {name}: {', '.join(most)} and {last} change"
        else:
            yield from (f"change {name}: {sentence(change)}" for change in rest)


def _is_told_elsewhere(change: FieldChange) -> bool:
    path = change[0]
    return path.endswith(DEPLOYED_ANNOTATION) or path.startswith((TEMPLATE_PATH, UPDATE_PATH)) or path == "nats.conf"
