# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The identity of a play that takes a Lease. PRIVATE to the collection: it can change at any time.

Each time a Lease is taken, its holder gets a new identity with a random token. On Linux, the identity also names the play's
process by boot, PID namespace, process id and start time, which together no other process ever has.
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
    r"(?P<owner>\S+)(?: process (?P<process>\d+) boot (?P<boot>[0-9a-f-]+) namespace (?P<namespace>\S+) start (?P<start>\d+))?"
    r" play (?P<play>[0-9a-f]+)"
)


@dataclass(frozen=True)
class Process:
    """A Linux process, unique among the processes of all machines at all times."""

    number: int
    boot: str
    # The PID namespace, and the time namespace, by whose clock the start time is counted.
    namespace: str
    start: int

    def __str__(self) -> str:
        return f"process {self.number} boot {self.boot} namespace {self.namespace} start {self.start}"


def new_identity() -> str:
    """The identity for a Lease that is taken now. It is handed to each module that works under this Lease."""
    words = [f"{_user()}@{socket.gethostname()}", _play_process(), f"play {secrets.token_hex(8)}"]
    return " ".join(str(word) for word in words if word)


def readable(identity: str) -> str:
    """The identity in words, for a message."""
    found = IDENTITY.fullmatch(identity)
    if found is None:
        return _printable(identity)
    process = found["process"]
    return _printable(f"{found['owner']}, {f'process {process}' if process else 'play ' + found['play']}")


def is_gone(identity: str) -> bool:
    """Whether the play's process has ended. False where that can't be seen from this machine and PID namespace."""
    process, here = _parsed(identity), _boot_and_namespaces()
    if process is None or here is None or (process.boot, process.namespace) != here:
        return False
    try:
        os.kill(process.number, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass  # the process belongs to another user
    current = _stat(process.number)
    # A zombie has ended, and only waits for its parent to read its exit status.
    return current is not None and (current[STATE] in "ZX" or int(current[START]) != process.start)


def _parsed(identity: str) -> Process | None:
    found = IDENTITY.fullmatch(identity)
    if found is None or found["process"] is None:
        return None
    return Process(int(found["process"]), found["boot"], found["namespace"], int(found["start"]))


# Indexes of fields in /proc/<pid>/stat, counted behind the command's name.
STATE, PARENT, START = 0, 1, 19


def _stat(process: int) -> list[str] | None:
    try:
        return (PROC / f"{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _boot_and_namespaces() -> tuple[str, str] | None:
    """The id of this machine's boot, and this process's PID and time namespaces; None where /proc does not tell."""
    try:
        # If /proc belongs to another PID namespace, it does not show the processes of this one.
        if os.readlink(PROC / "self") != str(os.getpid()):
            return None
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        kinds = [kind for kind in ("pid", "time") if kind == "pid" or (PROC / "self/ns/time").exists()]
        numbers = [os.readlink(PROC / f"self/ns/{kind}").strip(f"{kind}:[]") for kind in kinds]
    except OSError:
        return None
    return boot, ".".join(numbers)


def _play_process() -> Process | None:
    """The nearest ansible-playbook above this process. Programs above that, such as ansible-runner, may run several plays."""
    here = _boot_and_namespaces()
    number = os.getppid()
    while here and number:  # in a container, the play may be process 1, whose parent is 0
        words = _command(number)
        parent = int((_stat(number) or ["", "0"])[PARENT])
        # A worker of Ansible is a fork of the play's process and has the same command line.
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
    """The names of the program and its script, without the arguments."""
    return " ".join(Path(word).name for word in words[:2])


def _user() -> str:
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "somebody"
    return re.sub(r"\s", "_", _printable(name))


def _printable(text: str) -> str:
    """The text without control characters, which could change what a terminal shows."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
