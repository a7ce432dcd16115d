# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sanity and a play of all modules with the oldest and the newest ansible-core for which this machine has a Python.

Each runs in a virtual environment of its own with the built artifact and what its requirements name, never with the checkout.
"""

from __future__ import annotations

import ast
import fcntl
import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from .checks import CACHE, ROOT, Check, report, warnings
from .sanity import sanity


@dataclass(frozen=True)
class Core:
    """A minor version of ansible-core, and the Pythons that it runs on; the first that this machine has is taken."""

    version: str
    pythons: tuple[str, ...]


CORES = (
    Core("2.16", ("3.10", "3.11", "3.12")),
    Core("2.17", ("3.11", "3.10", "3.12")),
    Core("2.18", ("3.11", "3.12", "3.13")),
    Core("2.19", ("3.11", "3.12", "3.13")),
    Core("2.20", ("3.12", "3.13", "3.14")),
    Core("2.21", ("3.13", "3.12", "3.14")),
)
# The first that has a module run in Ansible's own process.
IN_PROCESS_SINCE = Version("2.19")
# The package `ansible` carries kubernetes.core; its major version is that many below the minor version of its ansible-core.
PACKAGE_BELOW_CORE = 7
KUBERNETES_CORE = Path("ansible_collections", "kubernetes", "core")
BUILD = ROOT / ".cache" / "cores"
FIXTURES = ROOT / "tests" / "cores"
HOSTS = ("in_process", "ordinary")
# Values that are different each time or in each account (`exception` names temporary files).
VARYING = {
    "exception",
    "latency_ms",
    "first_ts",
    "last_ts",
    "created",
    "ts",
    "seconds",
    "leader",
    "replicas",
    "cluster",
    "server",
    "evidence",
    "usage",
    "api",
    "preferred",
}
# Tasks whose results are figures of the whole cluster: only their shape is compared.
FIGURES = ("health |", "report |", "rebalance |")
# What any module may return beside what it documents.
COMMON = {"changed", "diff", "failed", "invocation", "msg", "exception", "cause", "remedy", "err_code", "code"}
# What ansible-core itself adds to a result with a `path`.
OF_A_PATH = {"gid", "group", "mode", "owner", "secontext", "size", "state", "uid"}
OF_FAILED_WHEN = {"failed_when_result", "failed_when_suppressed_exception"}
OF_A_LOOP = {"ansible_loop_var", "item", "ansible_index_var"}


@functools.cache
def interpreters() -> dict[str, Path]:
    """The Pythons of this machine that can make virtual environments, by minor version; pyenv's own come first."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    versions = sorted(
        (path for path in pyenv.glob("3.1*.*") if re.fullmatch(r"[\d.]+", path.name)),
        key=lambda path: Version(path.name),
    )
    candidates = [path / "bin" / "python" for path in reversed(versions)]
    minors = {python for core in CORES for python in core.pythons}
    candidates += [Path(there) for minor in sorted(minors) if (there := shutil.which(f"python{minor}"))]
    found: dict[str, Path] = {}
    for python in [*candidates, Path(sys.executable)]:
        asked = "import ensurepip, sys, venv; ensurepip.version(); print('%d.%d' % sys.version_info[:2])"
        done = subprocess.run([str(python), "-c", asked], capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip() in minors:
            found.setdefault(done.stdout.strip(), python)
    return found


def python_of(core: Core) -> str | None:
    return next((python for python in core.pythons if python in interpreters()), None)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another checkout may be making the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f"{path.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def venv(core: Core, requirements: str, *, upgrade: bool = False) -> Path:
    """A virtual environment with this ansible-core and the collection's requirements, in the user's cache."""
    python = python_of(core)
    assert python, f"no Python for ansible-core {core.version}"
    wanted = [f"ansible-core=={core.version}.*", *requirements.split()]
    name = hashlib.sha256(f"{wanted} {interpreters()[python].resolve()}".encode()).hexdigest()[:12]
    path = CACHE / f"core-{core.version}-{name}"
    with locked(path):
        if not (path / ".done").exists():
            shutil.rmtree(path, ignore_errors=True)
            subprocess.run([str(interpreters()[python]), "-m", "venv", str(path)], check=True)
            upgrade = True
        if upgrade:
            pip = [
                str(path / "bin" / "pip"),
                "install",
                "--quiet",
                "--upgrade",
                "--no-compile",
                "--disable-pip-version-check",
            ]
            subprocess.run([*pip, *wanted], check=True)
            (path / ".done").touch()
    return path


def installed_version(path: Path) -> str:
    asked = [str(path / "bin" / "python"), "-c", "import ansible.release; print(ansible.release.__version__)"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


def package_copy(major: int) -> Path:
    """kubernetes.core as this major version of the package `ansible` carries it, in the user's cache."""
    path = CACHE / "kubernetes.core" / f"ansible-{major}"
    with locked(path):
        if not path.exists():
            with tempfile.TemporaryDirectory(dir=path.parent) as folder:
                pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
                of_core = CORES[-1] if major + PACKAGE_BELOW_CORE > 18 else CORES[0]
                subprocess.run(
                    [*pip, f"--python-version={of_core.pythons[-1]}", f"--dest={folder}", f"ansible=={major}.*"],
                    check=True,
                )
                (wheel,) = Path(folder).glob("*.whl")
                with zipfile.ZipFile(wheel) as archive:
                    inside = [name for name in archive.namelist() if name.startswith(f"{KUBERNETES_CORE}/")]
                    archive.extractall(Path(folder, "new"), inside)
                Path(folder, "new", KUBERNETES_CORE).rename(path)
    return path


def accepts(collection: Path, core: str) -> bool:
    """Whether it says that it runs with this ansible-core, and is one that ours accepts."""
    requires = yaml.safe_load((collection / "meta" / "runtime.yml").read_text())["requires_ansible"]
    ours = yaml.safe_load((ROOT / "galaxy.yml").read_text())["dependencies"]["kubernetes.core"]
    return Version(core) in SpecifierSet(requires) and Version(version_of(collection)) in SpecifierSet(ours)


def version_of(collection: Path) -> str:
    return str(json.loads((collection / "MANIFEST.json").read_text())["collection_info"]["version"])


def kubernetes_core(core: str, *, newest: bool) -> Path:
    """The one that the test tools came with, or the newest that PyPI offers; an older one where it does not run with this core."""
    of_tools = Path(sysconfig.get_path("purelib")) / KUBERNETES_CORE
    if not newest and accepts(of_tools, core):
        return of_tools
    majors = range(int(CORES[-1].version.split(".")[1]) - PACKAGE_BELOW_CORE, 8, -1)
    return next(copy for copy in map(package_copy, majors) if accepts(copy, core))


@functools.cache
def artifact() -> Path:
    """The collection as Galaxy would get it."""
    shutil.rmtree(BUILD / "build", ignore_errors=True)
    command = ["ansible-galaxy", "collection", "build", str(ROOT), "--output-path", str(BUILD / "build")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    (built,) = (BUILD / "build").glob("*.tar.gz")
    return built


@dataclass(frozen=True)
class Installed:
    """The artifact in a collections path that holds nothing else but kubernetes.core, with an ansible-core of its own."""

    core: Core
    venv: Path
    folder: Path
    version: str
    kubernetes_core: str

    @property
    def python(self) -> str:
        return python_of(self.core) or ""

    @property
    def collection(self) -> Path:
        return self.folder / "collections" / "ansible_collections" / "messaging" / "nats"

    def environment(self, **more: str) -> dict[str, str]:
        """Only what a user's shell would hold: nothing of the checkout's, and no cluster by accident."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not re.match(r"ANSIBLE_|NATS_|K8S_AUTH_|PYTHON|VIRTUAL_ENV|KUBECONFIG|MAKE", name)
        }
        return kept | {
            "PATH": f"{self.venv / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "ANSIBLE_COLLECTIONS_PATH": str(self.folder / "collections"),
            "ANSIBLE_HOME": str(self.folder / "home"),
            "ANSIBLE_NOCOLOR": "1",
            **more,
        }

    def ansible(self, *command: str, show: bool = False, cwd: Path | None = None, **more: str) -> tuple[int, str]:
        """One of Ansible's commands, and what it printed."""
        with subprocess.Popen(
            [str(self.venv / "bin" / command[0]), *command[1:]],
            cwd=cwd or self.folder,
            env=self.environment(PWD=str(cwd or self.folder), **more),  # where reports and bundles go
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            output = ""
            for line in process.stdout or ():
                output += line
                if show:
                    print(f"{self.core.version}: {line}", end="", flush=True)
        return process.returncode, output


def install(core: Core, *, newest: bool = False) -> Installed:
    """Empty folders, kubernetes.core as it is, and ours by ansible-galaxy."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.unpack_archive(artifact(), folder)
        lines = Path(folder, "meta", "ee-requirements.txt").read_text().splitlines()
    requirements = " ".join(line for line in lines if line and not line.startswith("#"))
    made = venv(core, requirements, upgrade=newest)
    version = installed_version(made)
    found = kubernetes_core(version, newest=newest)
    folder_of_core = BUILD / core.version
    shutil.rmtree(folder_of_core, ignore_errors=True)
    collections = folder_of_core / "collections"
    shutil.copytree(found, collections / KUBERNETES_CORE)
    done = Installed(core, made, folder_of_core, version, version_of(found))
    # Galaxy need not be reachable, and kubernetes.core is there.
    galaxy = ["ansible-galaxy", "collection", "install", str(artifact()), "--offline", "-p", str(collections)]
    code, output = done.ansible(*galaxy)
    if code:
        sys.exit(output)
    return done


def documented(path: Path) -> set[str]:
    """The values that a module says it returns."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == ["RETURN"]:
            return set(yaml.safe_load(ast.literal_eval(node.value)))
    return set()


def comparable(value: Any, *, figures: bool) -> Any:
    """A result without what is different each time, or only its shape where all of it is figures."""
    if isinstance(value, dict):
        return {
            name: comparable(entry, figures=figures)
            for name, entry in value.items()
            if not name.startswith("_ansible") and name not in VARYING and not (figures and name == "streams")
        }
    if isinstance(value, list):
        return "list" if figures else [comparable(entry, figures=figures) for entry in value]
    return value if not figures or isinstance(value, bool) else type(value).__name__


def play_problems(
    installed: Installed, recorded: Iterable[Mapping[str, Any]], logins: Mapping[str, Mapping[str, str]]
) -> list[str]:
    """Results that differ between the two ways to run a module, keys that nobody documents, modules that were not run."""
    problems = []
    results: dict[str, list[tuple[str, Any]]] = {host: [] for host in HOSTS}
    ours = [entry for entry in recorded if entry["action"].startswith("messaging.nats.")]
    for entry in ours:
        text = json.dumps(entry["result"])
        for name, value in [*logins[entry["host"]].items(), ("host", entry["host"])]:
            text = re.sub(rf"\b(?:{re.escape(value)}|{re.escape(value.upper())})\b", f"<{name}>", text)
        result = json.loads(text)
        figures = entry["task"].startswith(FIGURES)
        results[entry["host"]].append((entry["task"], comparable(result, figures=figures)))
        keys = {name for name in result if not name.startswith("_ansible")}
        module = installed.collection / "plugins" / "modules" / f"{entry['action'].rpartition('.')[2]}.py"
        if "results" not in keys and "censored" not in keys:
            unknown = (
                keys
                - documented(module)
                - COMMON
                - OF_A_LOOP
                - OF_FAILED_WHEN
                - (OF_A_PATH if "path" in keys else set())
            )
            problems += [f"{entry['task']}: returns {name}, which is not documented" for name in sorted(unknown)]
        problems += [
            f"{entry['task']}: {name}: {result[name]}" for name in ("warnings", "deprecations") if result.get(name)
        ]
        if "Traceback" in text:
            problems.append(f"{entry['task']}: a traceback: {result.get('exception') or result.get('msg')}")
    for one, other in zip(*results.values(), strict=False):
        if one != other:
            problems.append(f"{one[0]}: in Ansible's own process {one[1]}, in a process of its own {other[1]}")
    if len({len(found) for found in results.values()}) > 1:
        problems.append(f"results: {', '.join(f'{len(found)} of {host}' for host, found in results.items())}")
    run_modules = {entry["action"].rpartition(".")[2] for entry in ours}
    modules = {path.stem for path in (installed.collection / "plugins" / "modules").glob("*.py")}
    problems += [f"{name}: {FIXTURES.name}/modules.yml does not run it" for name in sorted(modules - run_modules)]
    return problems


def play(
    installed: Installed, folder: Path, servers: list[str], members: list[str], logins: Mapping[str, Mapping[str, str]]
) -> Check:
    """tests/cores/modules.yml against these servers."""
    folder.mkdir(parents=True)
    inventory = {
        "all": {
            "vars": {"servers": servers, "members": members, "folder": str(folder), "system_user": "sys-user"}
            | {"system_password": logins["system"]["password"]},
            "hosts": {
                # The same Python by another path is started as a module's Python always is.
                "in_process": dict(logins["in_process"])
                | {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
                "ordinary": dict(logins["ordinary"])
                | {
                    "ansible_python_interpreter": "{{ ansible_playbook_python | dirname }}/./{{ ansible_playbook_python | basename }}"
                },
            },
        }
    }
    (folder / "inventory.json").write_text(json.dumps(inventory))
    recorded = folder / "recorded.json"
    code, output = installed.ansible(
        *["ansible-playbook", "-vvv", "--inventory", str(folder / "inventory.json"), str(FIXTURES / "modules.yml")],
        cwd=folder,
        ANSIBLE_CALLBACK_PLUGINS=str(FIXTURES),
        ANSIBLE_CALLBACKS_ENABLED="recorder",
        RECORDED=str(recorded),
    )
    (folder / "output").write_text(output)
    problems = [f"exit code {code}"] * bool(code)
    if recorded.exists():
        of_users = {host: logins[host] for host in HOSTS}
        problems += play_problems(installed, json.loads(recorded.read_text()), of_users)
    problems += warnings(output).splitlines()
    started = {
        host: len(
            re.findall(
                rf"^<{host}> EXEC [^;]*python [^;]*/ansible-tmp[^/]*/AnsiballZ_nats_\w+\.py(?: && sleep 0)?'$",
                output,
                re.MULTILINE,
            )
        )
        for host in HOSTS
    }
    in_process = Version(installed.version) >= IN_PROCESS_SINCE
    if bool(started["in_process"]) == in_process or not started["ordinary"]:
        problems.append(f"processes started for modules: {started}")
    return Check(f"modules with ansible-core {installed.version}", "\n".join(problems))


@contextmanager
def playing_field(folder: Path) -> Iterator[Any]:
    """Three real servers on loopback."""
    from tests.support.servers import Cluster, running  # needs the checkout as a collection, as `make` has it

    yield from running(Cluster(folder, ["n1", "n2", "n3"], accounts=2 * len(CORES)))


def logins_of(number: int) -> dict[str, dict[str, str]]:
    """An account of its own for each way to run a module, and the system account."""
    from tests.support.servers import secret

    users = dict(zip(HOSTS, (f"t{2 * number}", f"t{2 * number + 1}"), strict=True))
    return {host: {"user": user, "password": secret(user)} for host, user in users.items()} | {
        "system": {"user": "sys-user", "password": secret("sys-user")}
    }


def ends() -> tuple[list[Core], list[str]]:
    """The oldest and the newest that can be run here, and a sentence for each that a machine with all Pythons would take instead."""
    runnable = [core for core in CORES if python_of(core)]
    chosen = list(dict.fromkeys([runnable[0], runnable[-1]])) if runnable else []
    there = ", ".join(sorted(interpreters(), key=Version))
    left_out = [
        f"ansible-core {core.version} is left out: it needs Python {' or '.join(core.pythons)}, and this machine has {there or 'none'}."
        for core in (CORES[0], CORES[-1])
        if core not in chosen
    ]
    return chosen, left_out


def examine(core: Core, number: int, servers: list[str], members: list[str]) -> list[Check]:
    """The play, then sanity, with one ansible-core."""
    started = time.monotonic()
    installed = install(core)
    checks = [play(installed, BUILD / core.version / "play", servers, members, logins_of(number))]
    played = time.monotonic()
    found, problem = sanity(f"cores/{core.version}/sanity", installed.venv, installed.python, show=False)
    ended = time.monotonic()
    checks += [Check(f"{check.name} with ansible-core {installed.version}", check.problem) for check in found]
    if problem and not any(check.problem for check in found):
        checks.append(Check(f"sanity with ansible-core {installed.version}", problem))
    print(
        f"ansible-core {installed.version} on Python {installed.python}: modules {played - started:.0f} s, sanity {ended - played:.0f} s",
        flush=True,
    )
    return checks


def main() -> int:
    chosen, left_out = ends()
    print(
        f"The oldest and the newest of {CORES[0].version} to {CORES[-1].version}: {' and '.join(core.version for core in chosen)}"
    )
    for sentence in left_out:
        print(sentence)
    artifact()
    with tempfile.TemporaryDirectory() as folder, playing_field(Path(folder)) as cluster, ThreadPoolExecutor() as pool:
        servers = [server.url for server in cluster.servers]
        tests = [
            pool.submit(examine, core, number, servers, list(cluster.names())) for number, core in enumerate(chosen)
        ]
        checks = [check for test in tests for check in test.result()]
    return report("cores", checks, "" if chosen else "there is no Python for any ansible-core")


if __name__ == "__main__":
    sys.exit(main())
