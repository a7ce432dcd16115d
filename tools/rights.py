# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the Roles in examples/rbac and the tables in docs/rights.md from the table of rights in the code."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.rights_table import (
    FOLDER,
    LOGIN,
    LOGINS,
    ROLES,
    VERBS,
    Line,
    lines_of,
)

from .checks import ROOT

PAGE = ROOT / "docs" / "rights.md"
LICENCE = """# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
TEMPLATE = """\
apiVersion: v1
kind: List
items:
  - apiVersion: {group}/v1
    kind: {kind}
    metadata:
      name: {name}
    rules:
{rules}
  - apiVersion: {group}/v1
    kind: {kind}Binding
    metadata:
      name: {name}
    roleRef: {{apiGroup: {group}, kind: {kind}, name: {name}}}
    subjects:
      - {{apiGroup: {group}, kind: Group, name: {name}s}}
"""
BEGIN, END = "<!-- tables -->", "<!-- end -->"
GROUP = "rbac.authorization.k8s.io"


def roles() -> dict[str, str]:
    """The files by name: a Role for each, and a ClusterRole where verbs look at objects that are in no namespace."""
    found = {}
    for role in ROLES:
        for everywhere in (False, True):
            lines = [line for line in lines_of(role) if line.everywhere == everywhere]
            if lines:
                found[f"{role}{'-cluster' if everywhere else ''}.yaml"] = manifest(role, lines, everywhere)
    return found


def manifest(role: str, lines: list[Line], everywhere: bool) -> str:
    """A Role with an example of its binding, as YAML."""
    kind, name = "ClusterRole" if everywhere else "Role", f"nats-{role}"
    where = "" if everywhere else "-n <namespace> "
    head = f"{LICENCE}\n# Made by `make roles` from the table of rights in the code; docs/rights.md says what each right is for.\n"
    head += "".join(f"# {line}\n" for line in textwrap.wrap(f"For these verbs: {', '.join(ROLES[role])}.", 100))
    if everywhere:
        head += f"# Optional, beside the Role in {role}.yaml: what is in no namespace.\n"
    head += f"# kubectl {where}apply -f {role}{'-cluster' if everywhere else ''}.yaml, then bind it to your users in place of the group.\n"
    granted = "".join(f"      - {rule}\n" for rule in map(compact, rules(lines, LOGINS.get(role, ""))))
    return f"{head}\n---\n{TEMPLATE.format(group=GROUP, kind=kind, name=name, rules=granted)}"


def compact(rule: Mapping[str, Any]) -> str:
    """A rule as people write it, each list on one line."""
    lists = {key: ", ".join(value or '""' for value in values) for key, values in rule.items()}
    return "\n        ".join(f"{key}: [{values}]" for key, values in lists.items())


def rules(lines: Iterable[Line], login: str) -> Iterator[dict[str, Any]]:
    """One rule for each kind of objects. A right to all objects of a kind includes that to one of them."""
    verbs: dict[tuple[str, str], set[str]] = {}
    for line in lines:
        verbs.setdefault((line.resource, line.name), set()).update(line.verbs.split())
    for (resource, name), granted in sorted(verbs.items(), key=lambda entry: (_group(entry[0][0]), entry[0])):
        left = granted - (verbs.get((resource, ""), set()) if name else set())
        if left:
            kind, _dot, group = resource.partition(".")
            rule: dict[str, Any] = {"apiGroups": [group], "resources": [kind], "verbs": sorted(left)}
            yield rule | ({"resourceNames": [login]} if name == LOGIN else {})


def _group(resource: str) -> str:
    return resource.partition(".")[2]


def table(lines: Iterable[Line]) -> str:
    """The rights of one verb, as a table in Markdown."""
    rows = ["| right | what it is for | needed | without it |", "| --- | --- | --- | --- |"]
    ordered = sorted(
        lines, key=lambda line: (line.everywhere, bool(line.loss), bool(line.when), line.resource, line.why)
    )
    for (resource, why, loss, when, everywhere, name), same in groupby(
        dict.fromkeys(ordered),
        lambda line: (line.resource, line.why, line.loss, line.when, line.everywhere, line.name),
    ):
        granted = ", ".join(sorted({verb for line in same for verb in line.verbs.split()}))
        what = (
            f"{granted} `{resource}`"
            + (" of the login" if name == LOGIN else "")
            + (" (ClusterRole)" if everywhere else "")
        )
        rows.append(f"| {what} | {why} | {when or ('optional' if loss else 'always')} | {loss or 'refused'} |")
    return "\n".join(rows)


def tables() -> Iterator[str]:
    """The part of the page that is made from the code."""
    for verb, lines in VERBS.items():
        having = ", ".join(f"`{role}`" for role, verbs in ROLES.items() if verb in verbs)
        yield f"### {verb}\n\nIn {having}.\n\n{table(lines)}\n"


def page(written: str) -> str:
    """The page with the tables of now."""
    before, _begin, rest = written.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"{PAGE} lacks {BEGIN} and {END}")
    made = "\n".join(tables())
    return f"{before}{BEGIN}\n\n{made}\n{END}{after}"


def main() -> None:
    for name, text in roles().items():
        (ROOT / FOLDER / name).write_text(text)
    PAGE.write_text(page(PAGE.read_text()))


if __name__ == "__main__":
    main()
