# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module's main() in this process: arguments in, printed result out. PRIVATE to the collection: it can change at any time.

ansible-core hands a module its arguments in `ansible.module_utils.basic` and reads what it prints; so does this. All that it relies on
beyond that is tried with a module that does nothing (`rehearse`), so that a version of ansible-core that works differently is noticed
before a real module is started.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils import basic
from ansible.utils.display import Display

from ansible_collections.messaging.nats.plugins.module_utils._common import progress as _progress
from ansible_collections.messaging.nats.plugins.module_utils._common.module import CollectionModule

try:
    from ansible.module_utils.common.json import Direction, get_module_encoder
except ImportError:
    HAS_PROFILES = False  # ansible-core before 2.19
else:
    HAS_PROFILES = True

# Each fork finds it imported.
importlib.import_module("ansible_collections.messaging.nats.plugins.module_utils._nats.module")

PROFILE = "legacy"
MODULES = "ansible_collections.messaging.nats.plugins.modules"
ARGUMENTS, ARGUMENTS_PROFILE, PARSED_ARGUMENTS = "_ANSIBLE_ARGS", "_ANSIBLE_PROFILE", "_PARSED_MODULE_ARGS"


class NotStartedError(Exception):
    """The module did nothing yet, so it can still be run in Ansible's ordinary way."""


@dataclass(frozen=True)
class Printed:
    """What a process of a module would have left behind."""

    stdout: str
    stderr: str
    code: int

    def result(self) -> dict[str, Any]:
        """As ActionBase._low_level_execute_command returns it."""
        lines = {"stdout_lines": self.stdout.splitlines(), "stderr_lines": self.stderr.splitlines()}
        return {"stdout": self.stdout, "stderr": self.stderr, "rc": self.code, **lines}


@dataclass(frozen=True)
class Surroundings:
    """What a process of a module would have been given."""

    arguments: Mapping[str, Any]
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: str = "."

    def run(self, main: Callable[[], None]) -> Printed:
        """Call it as in a process of its own; an exception that is no exit reaches the caller."""
        encoder = get_module_encoder(PROFILE, Direction.CONTROLLER_TO_MODULE)
        arguments = json.dumps({"ANSIBLE_MODULE_ARGS": dict(self.arguments)}, cls=encoder).encode()
        code = 0
        with (
            _globals_of_basic(arguments),
            _environment_and_folder(self.environment, self.folder),
            contextlib.redirect_stdout(io.StringIO()) as stdout,
            contextlib.redirect_stderr(io.StringIO()) as stderr,
        ):
            try:
                main()
            except SystemExit as exit_:
                code = exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
        return Printed(stdout.getvalue(), stderr.getvalue(), code)


def load(module: str) -> Callable[[], None]:
    main: Callable[[], None] = importlib.import_module(f"{MODULES}.{module}").main
    return main


def run(main: Callable[[], None], surroundings: Surroundings, silent: bool) -> Printed:
    """The result of a module; NotStartedError as long as another way to run it changes nothing twice."""
    CollectionModule.started = False
    try:
        with _told(silent):
            printed = surroundings.run(main)
    except Exception as error:
        if CollectionModule.started:
            raise
        raise NotStartedError from error
    if not CollectionModule.started and not printed.stdout.strip():
        raise NotStartedError
    return printed


def rehearse(surroundings: Surroundings, parse: Callable[[Printed], dict[str, Any]]) -> None:
    """Whether arguments reach a module here and its results come back: NotStartedError where they do not."""
    internal = {name: value for name, value in surroundings.arguments.items() if name.startswith("_ansible_")}
    tried = Surroundings(
        {**internal, "text": "täxt", "map": {"of": [1, None]}}, surroundings.environment, surroundings.folder
    )

    def returned(result: Callable[[CollectionModule], None]) -> dict[str, Any]:
        # Without no_log this module, too, would write a line into the system's log.
        spec = {"text": {"type": "str"}, "map": {"type": "dict"}}
        return parse(tried.run(lambda: result(CollectionModule(spec, {}, no_log=True))))

    good = returned(lambda module: module.exit_json(changed=True, returned=dict(module.params)))
    bad = returned(lambda module: module.fail_json(msg="no", returned=module.check_mode))
    given = {"text": "täxt", "map": {"of": [1, None]}}
    if (good.get("changed"), good.get("failed", False), good.get("returned")) != (True, False, given):
        raise NotStartedError
    if (bad.get("failed"), bad.get("msg"), bad.get("returned")) != (
        True,
        "no",
        internal.get("_ansible_check_mode", False),
    ):
        raise NotStartedError


@contextlib.contextmanager
def _globals_of_basic(arguments: bytes) -> Iterator[None]:
    """Where ansible-core leaves a module its arguments."""
    before = {name: getattr(basic, name) for name in (ARGUMENTS, ARGUMENTS_PROFILE)}
    if hasattr(basic, PARSED_ARGUMENTS):
        before[PARSED_ARGUMENTS] = getattr(basic, PARSED_ARGUMENTS)
    setattr(basic, ARGUMENTS, arguments)
    setattr(basic, ARGUMENTS_PROFILE, PROFILE)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(basic, name, value)


@contextlib.contextmanager
def _environment_and_folder(environment: Mapping[str, str], folder: str) -> Iterator[None]:
    before, here = dict(os.environ), os.getcwd()
    os.environ.update(environment)
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(here)
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def _told(silent: bool) -> Iterator[None]:
    """What is under way is shown beside the output of Ansible, which may be read by a program."""

    def show(sentence: str) -> None:
        with contextlib.suppress(Exception):  # a module that is at work is not disturbed by what displays it
            Display().display(f"  {sentence}", stderr=True)

    with _progress.listening(_progress.discard if silent else show):
        yield
