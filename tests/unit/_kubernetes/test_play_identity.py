# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The identity of a play that holds a Lease, and whether it has ended, with real processes."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._kubernetes import play_identity as _play_identity
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.play_identity import (
    START,
    STATE,
    Process,
    is_gone,
    new_identity,
    readable,
)

HERE: Any = _play_identity._boot_and_namespaces()
pytestmark = pytest.mark.skipif(HERE is None, reason="only Linux tells")
ROOT = Path(_play_identity.__file__).parents[6]
PRINT = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from {_play_identity.__name__} import *; "


def identity(process: Process) -> str:
    return f"alice@laptop {process} play 9f3c2a1b"


def stat(number: int) -> Any:
    return _play_identity._stat(number)


@pytest.fixture
def sleeper():
    with subprocess.Popen(["sleep", "60"]) as started:
        yield started
        started.kill()


@pytest.fixture
def process(sleeper):
    boot, namespace = HERE
    return Process(sleeper.pid, boot, namespace, int(stat(sleeper.pid)[START]))


def test_a_play_that_runs_is_not_gone(process):
    assert not is_gone(identity(process))


def test_a_play_that_ended_is_gone_even_as_a_zombie(process, sleeper):
    sleeper.kill()
    while stat(sleeper.pid)[STATE] != "Z":
        pass
    assert is_gone(identity(process))
    sleeper.wait()
    assert is_gone(identity(process))


def test_another_process_with_the_same_pid_is_not_the_play(process):
    assert is_gone(identity(replace(process, start=process.start - 1)))


@pytest.mark.parametrize(
    "elsewhere",
    [
        lambda process: identity(replace(process, boot="00000000-0000-0000-0000-000000000000")),
        lambda process: identity(replace(process, namespace="1.2")),
        lambda process: f"alice@laptop process {process.number}",
        lambda process: "alice@laptop play 9f3c2a1b",
        lambda process: "another controller",
        lambda process: "",
    ],
    ids=["another boot", "another namespace", "before it was told apart", "no Linux", "no play", "nobody"],
)
def test_a_process_that_cannot_be_seen_from_here_is_not_gone(process, sleeper, elsewhere):
    sleeper.kill()
    sleeper.wait()
    assert is_gone(identity(process))
    assert not is_gone(elsewhere(process))


def test_a_play_in_another_pid_namespace_does_not_see_this_one(process, sleeper):
    sleeper.kill()
    sleeper.wait()
    ask = [sys.executable, "-c", f"{PRINT} print(is_gone({identity(process)!r}))"]
    for more in (["--mount-proc"], []):
        done = subprocess.run(["unshare", "--pid", "--fork", *more, *ask], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"no PID namespace can be made here: {done.stderr}")
        assert done.stdout == "False\n"


def test_a_play_that_is_the_first_process_of_its_namespace_is_known_by_that(tmp_path):
    module, play = tmp_path / "module", tmp_path / "ansible-playbook"
    module.write_text(f"{PRINT} print(new_identity())")
    play.write_text(f"import subprocess; subprocess.run([{sys.executable!r}, {str(module)!r}], check=True)")
    ask = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, play]
    done = subprocess.run(ask, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no PID namespace can be made here: {done.stderr}")
    told: Any = _play_identity._parsed(done.stdout.strip())
    assert (told.number, told.boot) == (1, HERE[0])
    assert told.namespace != HERE[1]
    assert not is_gone(done.stdout.strip())


def test_two_plays_under_one_runner_are_two_processes(tmp_path):
    """Each of them is gone once it has ended."""
    module = tmp_path / "module"
    module.write_text(f"{PRINT} print(new_identity())")
    for name, starts in (("ansible-playbook", [module]), ("ansible-runner", [tmp_path / "ansible-playbook"] * 2)):
        calls = [[sys.executable, str(path)] for path in starts]
        # The play is recognised by its first two arguments, as if a shebang had started it.
        (tmp_path / name).write_text(f"import subprocess\nfor call in {calls!r}: subprocess.run(call, check=True)")
    done = subprocess.run([sys.executable, tmp_path / "ansible-runner"], capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert _play_identity._parsed(first) != _play_identity._parsed(second)
    assert is_gone(first)
    assert is_gone(second)


def test_the_same_play_that_takes_a_lease_again_is_told_apart():
    assert new_identity() != new_identity()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("alice@laptop process 4711 boot 1-2 namespace 3.4 start 5 play 9f3c", "alice@laptop, process 4711"),
        ("alice@laptop play 9f3c", "alice@laptop, play 9f3c"),
        ("alice@laptop process 4711", "alice@laptop process 4711"),
        ("\x1b[2Jme\u202e", "?[2Jme?"),
        ("\x1b@\u202e play 1", "?@?, play 1"),
    ],
)
def test_an_error_names_user_host_and_process(text, shown):
    assert readable(text) == shown
