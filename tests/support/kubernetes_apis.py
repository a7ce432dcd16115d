# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTPS servers on loopback that note who asks them, and a proxy in front: where a client ends, not what Kubernetes does."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.certificates import certificate

ANYTHING = {
    "kind": "Status",
    "metadata": {"name": "anything"},
    "spec": {},
    "gitVersion": "v1.33.0",
    "major": "1",
    "minor": "33",
    "versions": ["v1"],
    "groups": [],
    "resources": [],
    "items": [],
    "message": "nothing is done here",
}


class Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that does not trust the certificate hangs up."""


@dataclass(frozen=True)
class Caller:
    """Who asked which server."""

    server: str
    login: str | None
    certificate: str | None
    user: str | None
    groups: tuple[str, ...]


@dataclass
class RecordingApi:
    """One server; `script` holds what it answers first: status, headers, body."""

    name: str
    folder: Path
    clients: tuple[str, ...]
    callers: list[Caller] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    script: list[tuple[int, dict[str, str], Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        certificate(self.folder, self.name)
        self.ca = str(self.folder / f"{self.name}.crt")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.ca, self.folder / f"{self.name}.key")
        context.verify_mode = ssl.CERT_OPTIONAL
        for client in self.clients:
            context.load_verify_locations(client)
        self._http = Quiet(("127.0.0.1", 0), handler(self))
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self._http.server_port
        self.url = f"https://127.0.0.1:{self.port}"
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


def handler(api: RecordingApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            self.rfile.read(length)
            shown: Any = self.connection.getpeercert() or {}
            names = {key: value for part in shown.get("subject", ()) for key, value in part}
            api.callers.append(
                Caller(
                    api.name,
                    self.headers.get("Authorization"),
                    names.get("commonName"),
                    self.headers.get("Impersonate-User"),
                    tuple(self.headers.get_all("Impersonate-Group") or ()),
                )
            )
            api.requests.append(f"{self.command} {self.path}")
            upgrade = self.headers.get("Upgrade") is not None
            forbidden = {"kind": "Status", "message": "upgrades are forbidden", "code": 403}
            reply: tuple[int, dict[str, str], Any] = (403, {}, forbidden) if upgrade else (200, {}, ANYTHING)
            if api.script:
                reply = api.script.pop(0)
            status, headers, body = reply
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {
                "Content-Type": "application/json",
                **headers,
                "Content-Length": str(len(data)),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments: Any) -> None:
            pass

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.answer)
    return Handler


class RecordingProxy:
    """An HTTP proxy that notes which hosts are asked for, with which login."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_CONNECT(self) -> None:
                proxy.asked.append((self.path, self.headers.get("Proxy-Authorization")))
                host, _colon, port = self.path.partition(":")
                with socket.create_connection((host, int(port))) as far:
                    self.send_response(200)
                    self.end_headers()
                    back = threading.Thread(target=pump, args=(far, self.connection), daemon=True)
                    back.start()
                    pump(self.connection, far)
                    back.join(5)
                self.close_connection = True

            def log_message(self, *arguments: Any) -> None:
                pass

        self._http = Quiet(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


def pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass
