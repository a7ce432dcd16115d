# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""A connection to NATS for code that runs from top to bottom. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlsplit

from ansible_collections.messaging.nats.plugins.module_utils._errors import NatsError, UnansweredError

try:
    import nats.errors
    from nats.aio.client import Client, RawCredentials
except ImportError:
    HAS_NATS = False
    Client = object  # type: ignore[misc, assignment]
else:
    HAS_NATS = True

Answer = dict[str, Any]
T = TypeVar("T")
DENIED = "permissions violation for "


@dataclass(frozen=True)
class Options:
    """Where the servers are and who we are there."""

    servers: Sequence[str]
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    creds: str | None = field(default=None, repr=False)
    nkey_seed: str | None = field(default=None, repr=False)
    tls: Mapping[str, Any] | None = None
    inbox_prefix: str = "_INBOX"
    timeout: float = 5
    connect_timeout: float = 2

    @property
    def wants_tls(self) -> bool:
        return self.tls is not None or any(server.startswith("tls://") for server in self.servers)


class _Client(Client):
    """nats-py goes on in clear text, password included, where a server offers no TLS: this one does not."""

    wants_tls = False

    async def _process_info(self, info: Answer, initial_connection: bool = False) -> None:
        if self.wants_tls and not info.get("tls_required") and not info.get("tls_available"):
            raise nats.errors.Error("the server offers no TLS, and TLS was asked for")
        await super()._process_info(info, initial_connection)


class Connection:
    """Connects when it is first used, to the first of the servers that takes us."""

    def __init__(self, options: Options, explain: Callable[[str, str], str] | None = None) -> None:
        self.options = options
        self._explain = explain or (lambda server, sentence: f"{_address(server)}: {sentence}")
        self._loop = asyncio.new_event_loop()
        self._client: Any = None
        self._denied: asyncio.Future[str] | None = None
        self._last_error: Exception | None = None

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            with suppress(nats.errors.Error, OSError):
                self._loop.run_until_complete(self._client.close())
        self._loop.close()

    def request(self, subject: str, payload: Mapping[str, Any] | bytes = b"", timeout: float | None = None) -> Answer:
        """The JSON that answers a request."""
        return self._run(self._request(subject, payload, timeout or self.options.timeout))

    def requests(self, asked: Sequence[tuple[str, Mapping[str, Any] | bytes]], at_once: int = 32) -> list[Answer]:
        """The answers to many requests, in their order, with so many in flight."""
        return self._run(self._requests(asked, at_once))

    def survey(self, subject: str, payload: Mapping[str, Any], expected: int, timeout: float) -> list[Answer]:
        """What all servers answer to one request: `expected` different ones, or those that came in time."""
        return self._run(self._survey(subject, payload, expected, timeout))

    def server(self) -> Answer:
        """What the server we are connected to says of itself."""

        async def info() -> Answer:
            found: Answer = (await self._connected())._server_info
            return found

        return self._run(info())

    def _run(self, work: Awaitable[T]) -> T:
        async def awaited() -> T:
            return await work

        return self._loop.run_until_complete(awaited())

    async def _request(self, subject: str, payload: Mapping[str, Any] | bytes, timeout: float) -> Answer:
        client = await self._connected()
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        asked = asyncio.ensure_future(client.request(subject, body, timeout=timeout))
        await asyncio.wait({asked, self._denied}, return_when=asyncio.FIRST_COMPLETED)
        if not asked.done():
            asked.cancel()
            raise self._denial(subject)
        try:
            answer: Answer = json.loads((await asked).data)
        except nats.errors.NoRespondersError as error:
            raise NatsError(
                f"request to {subject}",
                "nobody answers it",
                "Is JetStream enabled for this account, and has the cluster a meta leader?",
            ) from error
        except nats.errors.TimeoutError as error:
            raise UnansweredError(
                f"request to {subject}",
                f"no answer within {timeout:g} s: whether it was carried out is unknown",
                "Run it again to see.",
            ) from error
        except (nats.errors.Error, OSError) as error:
            raise UnansweredError(
                f"request to {subject}",
                f"{_sentence(error)}: whether it was carried out is unknown",
                "Run it again to see.",
            ) from error
        return answer

    async def _requests(self, asked: Sequence[tuple[str, Mapping[str, Any] | bytes]], at_once: int) -> list[Answer]:
        await self._connected()
        room = asyncio.Semaphore(at_once)

        async def one(subject: str, payload: Mapping[str, Any] | bytes) -> Answer:
            async with room:
                return await self._request(subject, payload, self.options.timeout)

        return await asyncio.gather(*(one(subject, payload) for subject, payload in asked))

    async def _survey(self, subject: str, payload: Mapping[str, Any], expected: int, timeout: float) -> list[Answer]:
        client = await self._connected()
        answers: dict[str, Answer] = {}
        inbox = client.new_inbox()
        try:
            listening = await client.subscribe(inbox)
            await client.publish(subject, json.dumps(payload).encode(), reply=inbox)
            deadline = self._loop.time() + timeout
            with suppress(nats.errors.TimeoutError):  # those that came in time are the answer
                while len(answers) < expected and (left := deadline - self._loop.time()) > 0:
                    message = await listening.next_msg(timeout=left)
                    if message.data:  # an empty message says that nobody listens
                        answer = json.loads(message.data)
                        answers[answer["server"]["id"]] = answer
            await listening.unsubscribe()
        except (nats.errors.Error, OSError) as error:
            raise NatsError(f"request to {subject}", _sentence(error), "Run it again.") from error
        return list(answers.values())

    async def _connected(self) -> Any:
        if self._client is not None and self._client.is_connected:
            return self._client
        failures = []
        for server in self.options.servers:
            client = _Client()
            client.wants_tls = self.options.wants_tls
            try:
                await asyncio.wait_for(client.connect(server, **self._arguments()), self.options.connect_timeout + 1)
            except (nats.errors.Error, OSError, ssl.SSLError, ValueError, asyncio.TimeoutError) as error:
                # nats-py hides what it met behind "no servers available".
                met = self._last_error if isinstance(error, nats.errors.NoServersError) and self._last_error else error
                failures.append(self._explain(server, _sentence(met)))
                with suppress(nats.errors.Error, OSError):
                    await client.close()
            else:
                self._client, self._denied = client, self._loop.create_future()
                return client
        raise NatsError(
            "connection",
            "; ".join(failures) or "there is no server to connect to",
            "Check the addresses and the credentials.",
        )

    def _arguments(self) -> dict[str, Any]:
        options = self.options
        arguments: dict[str, Any] = {}
        tls = options.tls or {}
        if options.wants_tls:
            arguments["tls"] = _context(tls)
            if tls.get("server_name"):
                arguments["tls_hostname"] = tls["server_name"]
            if tls.get("handshake_first"):
                arguments["tls_handshake_first"] = True
        if options.creds:
            inline = "-----BEGIN" in options.creds
            arguments["user_credentials"] = RawCredentials(options.creds) if inline else options.creds
        if options.nkey_seed:
            arguments["nkeys_seed_str"] = options.nkey_seed
        return arguments | {
            "user": options.user,
            "password": options.password,
            "token": options.token,
            "inbox_prefix": options.inbox_prefix,
            "name": "messaging.nats",
            "allow_reconnect": False,
            "max_reconnect_attempts": 1,
            "reconnect_time_wait": 0.1,
            "connect_timeout": self.options.connect_timeout,
            "error_cb": self._on_error,
        }

    async def _on_error(self, error: Exception) -> None:
        self._last_error = error
        if DENIED in str(error) and self._denied is not None and not self._denied.done():
            self._denied.set_result(str(error).split(DENIED, 1)[1])

    def _denial(self, subject: str) -> NatsError:
        # The server's own sentence has the subject in lower case, so ours is told.
        direction = self._denied.result().split(" ", 1)[0] if self._denied else "publish"
        self._denied = self._loop.create_future()
        asked = f"publish to {subject}" if direction == "publish" else f"subscribe to {self.options.inbox_prefix}.>"
        return NatsError(
            f"request to {subject}", f"the server denies this user to {asked}", "Allow it in the user's permissions."
        )


def _context(tls: Mapping[str, Any]) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=tls.get("ca"))
        if tls.get("cert"):
            context.load_cert_chain(tls["cert"], tls.get("key"))
    except (OSError, ssl.SSLError) as error:
        raise NatsError(
            "option tls",
            f"its files can't be used: {error}",
            "Give paths of PEM files in tls.ca, tls.cert and tls.key.",
        ) from error
    return context


def _address(server: str) -> str:
    """The server without the credentials that its URL may carry."""
    url = urlsplit(server if "://" in server else f"nats://{server}")
    return f"{url.scheme}://{url.netloc.rpartition('@')[2]}"


def _sentence(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError) or "Connect call failed" in str(error):
        return "connection refused"
    if isinstance(error, (asyncio.TimeoutError, nats.errors.TimeoutError)):
        return "no answer in time"
    text = str(error).removeprefix("nats: ").strip(" '\"")
    return text or type(error).__name__
