# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Keeps two plays apart that would change one cluster. PRIVATE to the collection: it can change at any time.

A Lease as Kubernetes' own controllers use it: whoever holds it renews it, and what nobody has renewed for a while is free.
No clock but our own is believed: a claim is dead when it has not changed while we watched it for as long as it lasts.
"""

from __future__ import annotations

import getpass
import http.client
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes import MANAGER, Kubernetes, Object
from ansible_collections.messaging.nats.plugins.module_utils._types import instant

LASTS, RENEWED, LOOK = 20, 5.0, 0.5
PROCESS = " process "


class Lease:
    """The right to change one cluster."""

    def __init__(self, kubernetes: Kubernetes, namespace: str, cluster: str, holder: str) -> None:
        self._kubernetes, self._namespace, self._cluster, self._holder = kubernetes, namespace, cluster, holder
        self._name = f"{cluster}-messaging-nats"
        self._all = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._path = f"{self._all}/{self._name}"
        self._what = f"Lease {self._name} in namespace {namespace}"
        self._renewing = threading.Lock()
        self._renewed = 0.0

    def acquire(self) -> bool:
        """Whether it was free until now; raises where another play holds it."""
        watched: Object | None = None
        until = 0.0
        while True:
            found = self._kubernetes.find(self._path, self._what)
            if found and found["spec"].get("holderIdentity") == self._holder:
                self._write(found, acquired=False)
                return False
            if found is None or _free(found) or (watched and time.monotonic() > until):
                with suppress_conflict():
                    self._write(found, acquired=True)
                    return True
            elif watched is None:
                watched, until = found, time.monotonic() + found["spec"].get("leaseDurationSeconds", LASTS)
            elif _renewal(found) != _renewal(watched):
                raise self._taken(found)
            time.sleep(LOOK)

    def renew(self) -> None:
        """Unless that was just done; raises where somebody else has it. By a clock that goes on where this machine sleeps."""
        with self._renewing:
            if abs(time.time() - self._renewed) < RENEWED:
                return
            found = self._kubernetes.find(self._path, self._what)
            if found is None or found["spec"].get("holderIdentity") != self._holder:
                raise self._taken(found)
            self._write(found, acquired=False)
            self._renewed = time.time()

    def release(self) -> bool:
        """Whether we held it."""
        found = self._kubernetes.find(self._path, self._what)
        if found is None or found["spec"].get("holderIdentity") != self._holder:
            return False
        self._kubernetes.call("DELETE", self._path, self._what)
        return True

    @contextmanager
    def kept(self) -> Iterator[Kubernetes]:
        """Renewed for as long as this lasts; through what it gives nothing changes any more once another play has it.

        A play that is killed leaves its module running: it ends itself, for the next play goes on at once.
        """
        self.renew()
        done = threading.Event()

        def work() -> None:
            while not done.wait(LOOK):
                if _gone(self._holder):
                    os._exit(1)
                with suppress(NatsError):  # the next try may reach the API
                    self.renew()

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            yield self._kubernetes.guarded(self.renew)
        finally:
            done.set()

    def _write(self, found: Object | None, acquired: bool) -> None:
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {"holderIdentity": self._holder, "leaseDurationSeconds": LASTS, "renewTime": now}
        labels = {"app.kubernetes.io/instance": self._cluster, "app.kubernetes.io/managed-by": MANAGER}
        made: Object = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._name, "namespace": self._namespace, "labels": labels},
            "spec": spec | {"acquireTime": now if acquired or not found else found["spec"].get("acquireTime", now)},
        }
        if found is None:
            self._kubernetes.call("POST", self._all, self._what, made, fieldManager=MANAGER)
        else:
            # With its version: of two that take over what is free, one gets it.
            made["metadata"]["resourceVersion"] = found["metadata"]["resourceVersion"]
            self._kubernetes.call("PUT", self._path, self._what, made, fieldManager=MANAGER)

    def _taken(self, found: Object | None) -> NatsError:
        who = found["spec"].get("holderIdentity") if found else None
        since = instant(found["spec"].get("acquireTime")) if found else None
        age = f", for {int(time.time() - since[0].timestamp())} s" if since else ""
        return NatsError(
            f"cluster {self._cluster} in namespace {self._namespace}",
            f"another play works on it: {who}{age}" if who else "its Lease was removed by somebody else",
            f"Wait until it is done. If it was killed, its claim ends {LASTS} s after its last sign of life.",
        )


@contextmanager
def suppress_conflict() -> Iterator[None]:
    """Somebody else was quicker: look again."""
    try:
        yield
    except NatsError as error:
        if error.err_code != http.client.CONFLICT:
            raise


def holder() -> str:
    """This play: who runs it, where, and as which process."""
    here = f"{_user()}@{socket.gethostname()}"
    process = _play()
    return f"{here}{PROCESS}{process}" if process else f"{here} {secrets.token_hex(4)}"


def _free(found: Object) -> bool:
    """Nobody holds it, or a process of this machine did that is gone."""
    who = found["spec"].get("holderIdentity") or ""
    return not who or _gone(who)


def _gone(who: str) -> bool:
    """Whether this was a process of this machine, and is none any more."""
    where, _word, process = who.partition(PROCESS)
    if where.partition("@")[2] != socket.gethostname() or not process.isdigit():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return "ansible" not in _command(int(process))


def _renewal(found: Object) -> Any:
    return found["spec"].get("holderIdentity"), found["spec"].get("renewTime")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"


def _play() -> int | None:
    """The ansible-playbook that started this module; only Linux tells."""
    process, found = os.getppid(), None
    while process > 1:
        if "ansible" in _command(process):
            found = process
        elif found:
            break
        process = _parent(process)
    return found


def _command(process: int) -> str:
    """What it was started as, without its arguments' values."""
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")[:2]
    except OSError:
        return ""
    return " ".join(Path(word.decode(errors="replace")).name for word in words)


def _parent(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0
