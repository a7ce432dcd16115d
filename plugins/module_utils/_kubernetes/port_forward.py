# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Forwards a local port to a pod through the Kubernetes API. PRIVATE to the collection: it can change at any time.

So a cluster without an ingress can be managed from wherever kubectl works.
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
    """Listens on 127.0.0.1 and forwards each connection to a new one that `dial` opens."""

    def __init__(self, dial: Callable[[], Any]) -> None:
        self._dial = dial
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.error: NatsError | None = None
        self._closed = False
        self._in_thread(self._accept)

    def close(self) -> None:
        self._closed = True
        # On Linux, shutdown wakes the thread that waits in accept. macOS refuses it, so a connection wakes the thread there.
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
        """Forwards the data of one connection in both directions."""
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
                # The other direction waits in recv, so without shutdown the other side would not notice the close.
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    @staticmethod
    def _in_thread(work: Callable[..., None], *args: Any) -> None:
        threading.Thread(target=work, args=args, daemon=True).start()
