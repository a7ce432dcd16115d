# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""A port on loopback whose connections end in a pod, through the Kubernetes API. PRIVATE to the collection: it can change at any time.

So a cluster without any ingress is managed from wherever kubectl works.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import NatsError

CHUNK = 256 * 1024


class Tunnel:
    """Listens on 127.0.0.1 and joins each connection to one that `dial` makes."""

    def __init__(self, dial: Callable[[], Any]) -> None:
        self._dial = dial
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.error: NatsError | None = None
        self._closed = False
        self._in_thread(self._accept)

    def close(self) -> None:
        self._closed = True
        # The thread that waits in accept is woken by a shutdown on Linux; macOS refuses that, and a connection wakes it.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _address = self._listener.accept()
            except OSError:
                return
            if self._closed:
                near.close()
                return
            self._in_thread(self._join, near)

    def _join(self, near: socket.socket) -> None:
        try:
            far = self._dial()
        except NatsError as error:
            self.error = error
            near.close()
            return
        far.setblocking(True)
        self._in_thread(self._pump, far, near)
        self._pump(near, far)

    @staticmethod
    def _pump(source: Any, sink: Any) -> None:
        try:
            while data := source.recv(CHUNK):
                sink.sendall(data)
        except OSError:
            pass
        finally:
            for end in (source, sink):
                # The other direction waits in recv, so close alone would tell the far side nothing.
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    @staticmethod
    def _in_thread(work: Callable[..., None], *args: Any) -> None:
        threading.Thread(target=work, args=args, daemon=True).start()
