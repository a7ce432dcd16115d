# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Which play this is, told apart from every other one. PRIVATE to the collection: it can change at any time.

Each time a Lease is taken it gets an identity of its own, by a random token. Where Linux tells, the identity also says which
process the play is, by what no other process ever has: boot, PID namespace, process id and moment of start.
"""

from __future__ import annotations

import getpass
import os
import re
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
IDENTITY = re.compile(
    r"(?P<who>\S+)(?: process (?P<process>\d+) boot (?P<boot>[0-9a-f-]+) namespace (?P<namespace>\S+) start (?P<start>\d+))?"
    r" play (?P<play>[0-9a-f]+)"
)


@dataclass(frozen=True)
class Process:
    """A process of Linux, told apart from all others of any machine and any time."""

    number: int
    boot: str
    # Of process ids, and of clocks, since the moment of start is counted by them.
    namespace: str
    start: int

    def __str__(self) -> str:
        return f"process {self.number} boot {self.boot} namespace {self.namespace} start {self.start}"


def new_identity() -> str:
    """For a Lease that is taken now; whoever works under this Lease is handed it."""
    words = [f"{_user()}@{socket.gethostname()}", _play_process(), f"play {secrets.token_hex(8)}"]
    return " ".join(str(word) for word in words if word)


def readable(identity: str) -> str:
    """Who it is, as an error tells a person."""
    found = IDENTITY.fullmatch(identity)
    if found is None:
        return _printable(identity)
    process = found["process"]
    return _printable(f"{found['who']}, {f'process {process}' if process else 'play ' + found['play']}")


def is_gone(identity: str) -> bool:
    """Whether this process could be seen from here, and has ended. What can't be known is no."""
    held_by, here = _parsed(identity), _surroundings()
    if held_by is None or here is None or (held_by.boot, held_by.namespace) != here:
        return False
    try:
        os.kill(held_by.number, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass  # it is another user's
    now = _stat(held_by.number)
    # One that has ended and that nobody has asked about yet does nothing any more.
    return now is not None and (now[STATE] in "ZX" or int(now[START]) != held_by.start)


def _parsed(identity: str) -> Process | None:
    found = IDENTITY.fullmatch(identity)
    if found is None or found["process"] is None:
        return None
    return Process(int(found["process"]), found["boot"], found["namespace"], int(found["start"]))


# Places in /proc/<pid>/stat behind the command's name.
STATE, PARENT, START = 0, 1, 19


def _stat(process: int) -> list[str] | None:
    try:
        return (PROC / f"{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _surroundings() -> tuple[str, str] | None:
    """The boot of this machine, and the namespaces that number processes and their starts; None where nobody tells."""
    try:
        # Without a mount of its own, /proc of another PID namespace says nothing of the processes of this one.
        if os.readlink(PROC / "self") != str(os.getpid()):
            return None
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        kinds = [kind for kind in ("pid", "time") if kind == "pid" or (PROC / "self/ns/time").exists()]
        numbers = [os.readlink(PROC / f"self/ns/{kind}").strip(f"{kind}:[]") for kind in kinds]
    except OSError:
        return None
    return boot, ".".join(numbers)


def _play_process() -> Process | None:
    """The ansible-playbook nearest to this module. What started that one, as ansible-runner, may have started others."""
    here = _surroundings()
    number = os.getppid()
    while here and number:  # in a container it may be the first process, whose parent is 0
        words = _command(number)
        parent = int((_stat(number) or ["", "0"])[PARENT])
        # A worker is a copy of the play's own process.
        if "ansible" in _names(words) and words != _command(parent):
            return Process(number, *here, int((_stat(number) or ["0"] * (START + 1))[START]))
        number = parent
    return None


def _command(process: int) -> list[str]:
    try:
        return (PROC / f"{process}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def _names(words: list[str]) -> str:
    """What it was started as, without its arguments."""
    return " ".join(Path(word).name for word in words[:2])


def _user() -> str:
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "somebody"
    return re.sub(r"\s", "_", _printable(name))


def _printable(text: str) -> str:
    """Control characters could rewrite what a terminal shows."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
