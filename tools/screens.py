# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps what the verbs print as texts in tests/screens, so that a change of words is seen in review. docs/verbs.md shows these very texts.

    python -m tools.screens NAME < OUTPUT

compares the standard output of a playbook with tests/screens/NAME.txt, and fails with the difference. With RECORD_SCREENS=1 it writes
the text instead, and puts it into docs/verbs.md. `make screens` does so for every command of that page.
What is another in each run is replaced: seconds, times, addresses, nodes, paths.
"""

from __future__ import annotations

import difflib
import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SCREENS = ROOT / "tests" / "screens"
PAGE = ROOT / "docs" / "verbs.md"
# A text in the page stands between this line and the end of its block.
BLOCK = re.compile(r"(<!-- screen (?P<name>[\w-]+) -->\n\n```text\n)(?P<text>.*?)(\n```\n)", re.DOTALL)
# Ansible's own lines: the banners of plays and tasks, and their results.
ANSIBLE = re.compile(r"(PLAY|TASK|included:|ok:|changed:|skipping:|failed:|\[WARNING\]|FAILED - RETRYING|localhost  )")
# What modules tell while they wait. It goes to standard error, and is another in each run.
PROGRESS = re.compile(r"  ((pod |image )?[\w./-]+(:[\w.-]+)?: |\d+ of \d+ servers answer|.* is being deleted$)")
FATAL = re.compile(
    r'(?:fatal: \[[^]]*\]: FAILED!|failed: \[[^]]*\] \(item=[^)]*\)) => .*"msg": "(?P<said>(?:[^"\\]|\\.)*)"'
)
REPLACED = (
    (re.compile(r"\b(K8S_AUTH_KUBECONFIG|K8S_AUTH_CONTEXT|KUBECONFIG)=\S+ "), ""),
    (re.compile(r" (-i|--limit|--context|--server) \S+"), ""),
    (re.compile(r" -e nats_cluster_(context|kubeconfig)=\S+"), ""),
    (re.compile(r"(--kubeconfig |of kubeconfig )[^\s)]+"), r"\g<1>~/.kube/config"),
    (re.compile(r"context [\w.-]+ of"), "context demo of"),
    (re.compile(r"(?<![\w/.])/[\w./-]+/(?=[\w-]+\.(?:html|zip))"), ""),
    (re.compile(r"nats_cluster_namespace=\S+"), "nats_cluster_namespace=demo"),
    (re.compile(r"(?<!\.)\bnamespace (?!and\b)[\w-]+"), "namespace demo"),
    (re.compile(r"Namespace [\w-]+"), "Namespace demo"),
    (re.compile(r"-n [\w-]+ "), "-n demo "),
    (re.compile(r"\.[\w-]+\.svc\b"), ".demo.svc"),
    (re.compile(r"\b[\w-]+-(?:bundle\.zip)"), "demo-nats-bundle.zip"),
    (re.compile(r"\b[\w-]+-nats\.html"), "demo-nats.html"),
    (re.compile(r"^ *queue group +.*\d+( \+ \d+)+$", re.MULTILINE), "  queue group  …"),
    (re.compile(r"^ *(redelivery and deduplication|deletion) +", re.MULTILINE), r"  \1  "),
    (re.compile(r"\b\d+(\.\d+)? s\b"), "12 s"),
    (re.compile(r"\b\d+(\.\d+)? ms\b"), "1.2 ms"),
    (re.compile(r"\b\d+ KiB\b"), "100 KiB"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\dZ?"), "2026-11-30 12:00:00"),
    (re.compile(r"\bnats-config-[0-9a-f]{10}"), "nats-config-0123456789"),
    (re.compile(r"pvc-[0-9a-f-]{36}"), "pvc-0123"),
    (re.compile(r"\d{1,3}(\.\d{1,3}){3}(:\d+)?"), "10.0.0.1"),
    (re.compile(r"\b[\w-]+-(control-plane)\b"), r"\1"),
    (re.compile(r"\b[\w-]+-worker\d*\b"), "worker2"),
    # Which server leads is chance.
    (re.compile(r"\b\d+ leaders? (was|were) handed over"), "1 leader was handed over"),
    (re.compile(r" \(meta leader\)"), ""),
    (re.compile(r"meta leader [\w-]+"), "meta leader nats-0"),
    (re.compile(r"^( {12}nats-0)$", re.MULTILINE), r"\1 (meta leader)"),
)
# The tables of the status page and of the smoke test have other figures in each run; their widths follow.
LOGS = re.compile(r"^LOGS .*?(?=^\S|\Z)", re.DOTALL | re.MULTILINE)
ROW = re.compile(r"^(?:  )?\S+(?: \S+)*(?: {2,}\S+(?: \S+)*){2,}$", re.MULTILINE)


def screen(output: str) -> str:
    """What the verb itself has printed, without what is another in each run."""
    lines, in_error = [], False
    for line in output.splitlines():
        # The error is told again, as data, by the line that begins with `fatal`.
        in_error = (in_error or line.startswith("[ERROR]")) and not line.startswith(("fatal: ", "failed: "))
        if failed := FATAL.match(line):
            lines.append("FAILED: " + failed["said"].replace("\\n", "\n").replace('\\"', '"'))
        elif not in_error and not ANSIBLE.match(line) and not PROGRESS.match(line):
            lines.append(line.rstrip())
    text = "\n".join(lines)
    text = ROW.sub(_without_figures, LOGS.sub("", text))
    for pattern, stand_in in REPLACED:
        text = pattern.sub(stand_in, text)
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n") + "\n"


def _without_figures(row: re.Match[str]) -> str:
    """A row of a table: the first cell, and a mark for each cell that has figures."""
    first, *cells = re.split(r" {2,}", row[0].strip())
    return "  " + "  ".join([first, *("…" if re.search(r"\d|-worker$", cell) else cell for cell in cells)])


def page_with(page: str, name: str, text: str) -> str:
    """The page with this text in the block of this name."""
    return BLOCK.sub(lambda block: f"{block[1]}{text.rstrip()}{block[4]}" if block["name"] == name else block[0], page)


def kept(name: str) -> str:
    """The text of this name; empty where there is none."""
    file = SCREENS / f"{name}.txt"
    return file.read_text() if file.exists() else ""


def record(name: str, output: str) -> None:
    """Keeps what is printed now, in the page too."""
    found = screen(output)
    (SCREENS / f"{name}.txt").write_text(found)
    PAGE.write_text(page_with(PAGE.read_text(), name, found))


def difference(name: str, output: str) -> str:
    """How an output differs from the kept text; empty where it does not."""
    lines = (kept(name).splitlines(), screen(output).splitlines())
    return "\n".join(difflib.unified_diff(*lines, f"tests/screens/{name}.txt", "printed now", lineterm=""))


def main() -> int:
    (name,) = sys.argv[1:]
    output = sys.stdin.read()
    if os.environ.get("RECORD_SCREENS"):
        record(name, output)
    found = difference(name, output)
    print(found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
