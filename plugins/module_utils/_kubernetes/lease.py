# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Keeps two plays apart that would change one cluster. PRIVATE to the collection: it can change at any time.

A Lease as Kubernetes' own controllers use it: whoever holds it renews it, and what nobody has renewed for a while is free.
No clock but our own is believed: a claim is dead when it has not changed while we watched it for as long as it lasts.
"""

from __future__ import annotations

import http.client
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.units import instant
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import MANAGER, Object
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.play_identity import is_gone, readable

# Seconds: a claim lasts, is renewed after, is believed for without a look, and between two looks of who waits for it.
LEASE_DURATION_S, RENEW_INTERVAL_S, TRUSTED_S, POLL_INTERVAL_S = 20, 5.0, 1.0, 0.5
# A claim of somebody else's that would last longer than this is not waited for.
MAX_WAIT_S = 60
# So often somebody else may be quicker while we renew or give back.
MAX_CONFLICTS = 5


class Lease:
    """The right to change one cluster."""

    def __init__(self, kubernetes: Kubernetes, namespace: str, cluster: str, holder: str) -> None:
        self._kubernetes, self._namespace, self._cluster, self._holder = kubernetes, namespace, cluster, holder
        self._name = f"{cluster}-messaging-nats"
        self._all = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._path = f"{self._all}/{self._name}"
        self._what = f"Lease {self._name} in namespace {namespace}"
        self._renewing = threading.Lock()
        self._renewed = self._seen = 0.0

    def acquire(self) -> None:
        """Raises where another play holds it, and its play lives or may live."""
        watched: Object | None = None
        until = 0.0
        while True:
            found = self._find()
            if found is None or self._is_free(found) or (_same(found, watched) and time.monotonic() > until):
                with _unless_outrun(found):
                    self._write(found, acquired=True)
                    return
            elif watched is None:
                lasts = found["spec"].get("leaseDurationSeconds") or LEASE_DURATION_S
                if lasts > MAX_WAIT_S:
                    raise self._taken(found)
                watched, until = found, time.monotonic() + lasts
            elif not _same(found, watched):
                raise self._taken(found)
            time.sleep(POLL_INTERVAL_S)

    def held_by_another(self) -> str | None:
        """Who else holds it, in a sentence; changes nothing, so it can't know whether that one lives."""
        found = self._find()
        if found is None or self._is_free(found):
            return None
        return str(self._taken(found))

    def renew(self) -> None:
        """Where it is time to; raises where somebody else has it, seen within the last second."""
        # A play that was killed leaves its module running, and the next play goes on at once.
        if is_gone(self._holder):
            raise NatsError(f"cluster {self._cluster} in namespace {self._namespace}", "the play has ended")
        with self._renewing:
            # The wall clock also goes on where this machine sleeps.
            now = time.time()
            if abs(now - self._seen) < TRUSTED_S:
                return
            for _try in range(MAX_CONFLICTS):
                found = self._find()
                if found is None or found["spec"].get("holderIdentity") != self._holder:
                    raise self._taken(found)
                if abs(now - self._renewed) < RENEW_INTERVAL_S:
                    self._seen = now
                    return
                with _unless_outrun(found):
                    self._write(found, acquired=False)
                    self._renewed = self._seen = now
                    return
            raise NatsError(self._what, "somebody else changes it again and again", "Look at who does.")

    def release(self) -> bool:
        """Whether we held it. That of another play stays, also where it gets it in this moment."""
        for _try in range(MAX_CONFLICTS):
            found = self._find()
            if found is None or found["spec"].get("holderIdentity") != self._holder:
                return False
            same = {key: found["metadata"][key] for key in ("uid", "resourceVersion")}
            with _unless_outrun(found):
                self._kubernetes.call("DELETE", self._path, self._what, {"preconditions": same})
                return True
        return False

    @contextmanager
    def kept(self) -> Iterator[Kubernetes]:
        """Renewed for as long as this lasts; through what it gives nothing changes any more once another play has it.

        A play that is killed leaves its module running: it ends itself, for the next play goes on at once.
        """
        self.renew()
        done, started_by = threading.Event(), os.getppid()

        def work() -> None:
            while not done.wait(POLL_INTERVAL_S):
                if is_gone(self._holder) or os.getppid() != started_by:
                    os._exit(1)
                with suppress(NatsError):  # the next try may reach the API
                    self.renew()

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            yield self._kubernetes.guarded(self.renew)
        finally:
            done.set()

    def _find(self) -> Object | None:
        return self._kubernetes.find(self._path, self._what)

    def _is_free(self, found: Object) -> bool:
        """Nobody else holds it, or a play that has ended does."""
        who = found["spec"].get("holderIdentity") or ""
        return who in ("", self._holder) or is_gone(who)

    def _write(self, found: Object | None, acquired: bool) -> None:
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {"holderIdentity": self._holder, "leaseDurationSeconds": LEASE_DURATION_S, "renewTime": now}
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
        what = f"cluster {self._cluster} in namespace {self._namespace}"
        who = found["spec"].get("holderIdentity") if found else None
        if not found or not who:
            return NatsError(what, "its Lease was removed by somebody else", "Run it again.")
        since = instant(found["spec"].get("acquireTime"))
        words = f", since {since[0]:%Y-%m-%d %H:%M:%S} UTC" if since else ""
        lasts = found["spec"].get("leaseDurationSeconds") or LEASE_DURATION_S
        return NatsError(
            what,
            f"another play works on it: {readable(str(who))}{words}",
            f"Wait until it is done. If it was killed, its claim ends {lasts} s after its last sign of life.",
        )


@contextmanager
def _unless_outrun(found: Object | None) -> Iterator[None]:
    """Where somebody else changed it since it was found, or removed it, nothing is raised: look again."""
    try:
        yield
    except NatsError as error:
        if error.err_code != http.client.CONFLICT and not (found and error.err_code == http.client.NOT_FOUND):
            raise


def _same(found: Object, watched: Object | None) -> bool:
    """Whether nobody has renewed it in between."""
    return watched is not None and _claim(found) == _claim(watched)


def _claim(found: Object) -> Any:
    return found["metadata"].get("uid"), found["spec"].get("holderIdentity"), found["spec"].get("renewTime")
