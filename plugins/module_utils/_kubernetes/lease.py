# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Prevents two plays from changing one cluster at the same time. PRIVATE to the collection: it can change at any time.

The Lease works as in Kubernetes' own controllers: its holder renews it, and a Lease that was not renewed for its duration is
free. Only this machine's clock counts: a Lease has expired if it did not change while it was watched for its whole duration.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from http import HTTPStatus
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError
from ansible_collections.messaging.nats.plugins.module_utils._common.units import instant
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.client import Kubernetes
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.objects import MANAGER, Object
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.play_identity import is_gone, readable

# Seconds after which a Lease that was not renewed is free.
LEASE_DURATION_S = 20
# Seconds after which the holder renews it.
RENEW_INTERVAL_S = 5.0
# Seconds for which the holder trusts its last read of the Lease.
TRUSTED_S = 1.0
# Seconds between two reads of a play that waits for the Lease.
POLL_INTERVAL_S = 0.5
# A play does not wait for another play's Lease with a longer duration than this.
MAX_WAIT_S = 60
# Tries to renew or release the Lease while somebody else changes it.
MAX_CONFLICTS = 5


class Lease:
    """The Lease of one cluster, as one play uses it."""

    def __init__(self, kubernetes: Kubernetes, namespace: str, cluster: str, holder: str) -> None:
        self._kubernetes, self._namespace, self._cluster, self._holder = kubernetes, namespace, cluster, holder
        self._name = f"{cluster}-messaging-nats"
        self._collection = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._path = f"{self._collection}/{self._name}"
        self._what = f"Lease {self._name} in namespace {namespace}"
        self._renewing = threading.Lock()
        self._last_renewed = self._last_read = 0.0

    def acquire(self) -> None:
        """Takes the Lease; raises where another play holds it that is running, or may be."""
        watched: Object | None = None
        expires = 0.0
        while True:
            found = self._find()
            if found is None or self._is_free(found) or (_same(found, watched) and time.monotonic() > expires):
                with _conflicts_ignored(found):
                    self._write(found, acquired=True)
                    return
            elif watched is None:
                duration = found["spec"].get("leaseDurationSeconds") or LEASE_DURATION_S
                if duration > MAX_WAIT_S:
                    raise self._held_error(found)
                watched, expires = found, time.monotonic() + duration
            elif not _same(found, watched):
                raise self._held_error(found)
            time.sleep(POLL_INTERVAL_S)

    def held_by_another(self) -> str | None:
        """A sentence that names the other holder, if any. It only reads, so it can't tell whether that play is still running."""
        found = self._find()
        if found is None or self._is_free(found):
            return None
        return str(self._held_error(found))

    def renew(self) -> None:
        """Renews the Lease if RENEW_INTERVAL_S has passed. Raises where another play holds it, by a read of the last second."""
        # The module of a killed play runs on, while the next play takes the Lease over at once.
        if is_gone(self._holder):
            what = f"cluster {self._cluster} in namespace {self._namespace}"
            raise NatsError(what, "the play that started this module has ended", code="PLAY_ENDED")
        with self._renewing:
            # Unlike the monotonic clock, the wall clock also counts the time for which this machine is suspended.
            now = time.time()
            if abs(now - self._last_read) < TRUSTED_S:
                return
            for _try in range(MAX_CONFLICTS):
                found = self._find()
                if found is None or found["spec"].get("holderIdentity") != self._holder:
                    raise self._held_error(found)
                if abs(now - self._last_renewed) < RENEW_INTERVAL_S:
                    self._last_read = now
                    return
                with _conflicts_ignored(found):
                    self._write(found, acquired=False)
                    self._last_renewed = self._last_read = now
                    return
            cause = f"somebody else changed it during each of {MAX_CONFLICTS} tries to renew it"
            raise NatsError(self._what, cause, "Find out who changes it.", code="KUBERNETES_CONFLICT")

    def release(self) -> bool:
        """Deletes the Lease if this play holds it, and returns whether it did. Another play's Lease is never deleted."""
        for _try in range(MAX_CONFLICTS):
            found = self._find()
            if found is None or found["spec"].get("holderIdentity") != self._holder:
                return False
            preconditions = {key: found["metadata"][key] for key in ("uid", "resourceVersion")}
            with _conflicts_ignored(found):
                self._kubernetes.call("DELETE", self._path, self._what, {"preconditions": preconditions})
                return True
        return False

    @contextmanager
    def kept(self) -> Iterator[Kubernetes]:
        """Renews the Lease in the background. The client that it yields changes nothing once another play holds the Lease.

        When the play is killed, its module would run on, so this process ends itself: the next play starts at once.
        """
        self.renew()
        done, parent = threading.Event(), os.getppid()

        def keep_renewing() -> None:
            while not done.wait(POLL_INTERVAL_S):
                if is_gone(self._holder) or os.getppid() != parent:
                    os._exit(1)
                with suppress(NatsError):  # the next try may succeed
                    self.renew()

        thread = threading.Thread(target=keep_renewing, daemon=True)
        thread.start()
        try:
            yield self._kubernetes.guarded(self.renew)
        finally:
            done.set()

    def _find(self) -> Object | None:
        return self._kubernetes.find(self._path, self._what)

    def _is_free(self, found: Object) -> bool:
        """Whether nobody else holds it, or a play that has ended."""
        holder = found["spec"].get("holderIdentity") or ""
        return holder in ("", self._holder) or is_gone(holder)

    def _write(self, found: Object | None, acquired: bool) -> None:
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {"holderIdentity": self._holder, "leaseDurationSeconds": LEASE_DURATION_S, "renewTime": now}
        labels = {"app.kubernetes.io/instance": self._cluster, "app.kubernetes.io/managed-by": MANAGER}
        lease: Object = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._name, "namespace": self._namespace, "labels": labels},
            "spec": spec | {"acquireTime": now if acquired or not found else found["spec"].get("acquireTime", now)},
        }
        if found is None:
            self._kubernetes.call("POST", self._collection, self._what, lease, fieldManager=MANAGER)
        else:
            # With its resourceVersion: if two plays take over a free Lease, only one of them succeeds.
            lease["metadata"]["resourceVersion"] = found["metadata"]["resourceVersion"]
            self._kubernetes.call("PUT", self._path, self._what, lease, fieldManager=MANAGER)

    def _held_error(self, found: Object | None) -> NatsError:
        what = f"cluster {self._cluster} in namespace {self._namespace}"
        holder = found["spec"].get("holderIdentity") if found else None
        if not found or not holder:
            return NatsError(what, "its Lease was removed by somebody else", "Run it again.", code="LEASE_LOST")
        acquired = instant(found["spec"].get("acquireTime"))
        since = f", since {acquired[0]:%Y-%m-%d %H:%M:%S} UTC" if acquired else ""
        duration = found["spec"].get("leaseDurationSeconds") or LEASE_DURATION_S
        return NatsError(
            what,
            f"another play works on it: {readable(str(holder))}{since}",
            f"Wait until it is done. If it was killed, its Lease expires {duration} s after it was last renewed.",
            code="LEASE_HELD",
        )


@contextmanager
def _conflicts_ignored(found: Object | None) -> Iterator[None]:
    """Ignores the error of a write where somebody else has changed or deleted the Lease since it was read."""
    try:
        yield
    except NatsError as error:
        if error.err_code != HTTPStatus.CONFLICT and not (found and error.err_code == HTTPStatus.NOT_FOUND):
            raise


def _same(found: Object, watched: Object | None) -> bool:
    """Whether the Lease was not renewed since the last read."""
    return watched is not None and _claim(found) == _claim(watched)


def _claim(found: Object) -> Any:
    return found["metadata"].get("uid"), found["spec"].get("holderIdentity"), found["spec"].get("renewTime")
