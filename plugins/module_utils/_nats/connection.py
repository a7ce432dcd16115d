# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""A connection to NATS with blocking and asynchronous requests. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from ansible_collections.messaging.nats.plugins.module_utils._common.answer import Answer
from ansible_collections.messaging.nats.plugins.module_utils._common.errors import (
    DeniedRequestError,
    NatsError,
    NobodyAnswersError,
    NotAskedError,
    UnansweredError,
    Unasked,
)
from ansible_collections.messaging.nats.plugins.module_utils._common.units import instant
from ansible_collections.messaging.nats.plugins.module_utils._nats import tls as _tls
from ansible_collections.messaging.nats.plugins.module_utils._nats import user_credentials
from ansible_collections.messaging.nats.plugins.module_utils._nats.access import UserLogin
from ansible_collections.messaging.nats.plugins.module_utils._nats.tls import TlsOptions

try:
    import nats.errors
    from nats.aio.client import Client
except ImportError:
    HAS_NATS = False
    Client = object  # type: ignore[misc, assignment]
else:
    HAS_NATS = True

T = TypeVar("T")
# The name of this client in the servers' lists of connections.
CLIENT_NAME = "messaging.nats"
# Seconds to wait for further servers, after all expected servers have answered.
STRAGGLERS_S = 0.05
# Seconds without a request after which a ping checks whether the server is still connected.
IDLE_S = 0.2
# The server's error where a login took too long. A busy server gets one more try.
AUTHENTICATION_TIMEOUT = "authentication timeout"
# The server's errors for a login that it refuses.
REFUSED = ("authorization violation", "authentication expired", "authentication revoked")
# The subject to which each server answers in the system account.
EVERY_SERVER = "$SYS.REQ.SERVER.PING"
# The beginning of the server's error for a subject that the user's permissions deny.
DENIED = "permissions violation for "


class Denial(NamedTuple):
    """What the server denies a user."""

    direction: str
    subject: str

    def __str__(self) -> str:
        return f"{self.direction} to {self.subject}"


@dataclass(frozen=True)
class Options(UserLogin):
    """The servers' addresses, and the login."""

    servers: Sequence[str]
    tls: TlsOptions | None = None
    inbox_prefix: str = "_INBOX"
    timeout: float = 5
    # Seconds to connect, for all servers together.
    connect_timeout: float = 2.4

    @property
    def wants_tls(self) -> bool:
        return _tls.is_required(self.tls, self.servers)


class _Client(Client):
    """A client that refuses to continue without TLS where TLS is required: nats-py would send the password in clear text."""

    def __init__(self, wants_tls: bool) -> None:
        super().__init__()
        self._wants_tls = wants_tls
        # Done once the connection is lost, when nats-py itself would go on waiting for an answer.
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def mark_lost(self) -> None:
        """nats-py calls this when it loses the connection."""
        if not self.lost.done():
            self.lost.set_result(None)

    async def unless_lost(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of the work; raises if the connection is lost before it is done."""
        task = asyncio.ensure_future(work)
        await asyncio.wait((task, self.lost), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        task.cancel()
        raise nats.errors.ConnectionClosedError

    async def _process_connect_init(self) -> None:
        """Closes the socket after a failed handshake, which nats-py leaves open."""
        try:
            await super()._process_connect_init()
        except (nats.errors.Error, OSError, asyncio.TimeoutError):
            if self._transport:
                self._transport.close()  # type: ignore[no-untyped-call]
            raise

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        if self._wants_tls and not info.get("tls_required"):
            if not info.get("tls_available"):
                raise nats.errors.Error("the server offers no TLS, and TLS was asked for")
            # nats-py uses TLS only where the server requires it.
            self._server_info["tls_required"] = True
        await super()._process_info(info, initial_connection)


class Connection:
    """A connection that is opened when it is first used, to the first server that accepts the login."""

    def __init__(self, options: Options, explain: Callable[[str, str], str] | None = None) -> None:
        self.options = options
        self._explain = explain or (lambda server, sentence: f"{_address(server)}: {sentence}")
        self._loop = asyncio.new_event_loop()
        self._client: Any = None
        self._connecting = asyncio.Lock()
        self._last_used = 0.0
        # Of each pending request, its subject and the future that a denial by the server sets.
        self._denials: dict[asyncio.Future[Denial], str] = {}
        self._last_error: Exception | None = None

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            self._loop.run_until_complete(_closed(self._client))
        # Where one of several requests has failed, the others still wait for their answers.
        if unfinished := asyncio.all_tasks(self._loop):
            for task in unfinished:
                task.cancel()
            self._loop.run_until_complete(asyncio.wait(unfinished))
        # A closed client releases its socket in the next turn of the loop.
        self._loop.run_until_complete(asyncio.sleep(0.01 if self._last_error else 0))
        self._loop.close()

    def request(self, subject: str, payload: Mapping[str, Any] | bytes = b"", timeout: float | None = None) -> Answer:
        """The JSON of the answer to a request."""
        return self.run(self.ask(subject, payload, timeout))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs asynchronous work on this connection, and returns its result."""
        return self._loop.run_until_complete(work)

    def server(self) -> Answer:
        """The INFO of the server that this connection is to."""

        async def info() -> Answer:
            found: Answer = (await self._connected())._server_info
            return found

        return self.run(info())

    async def ask(self, subject: str, payload: Mapping[str, Any] | bytes = b"", timeout: float | None = None) -> Answer:
        """The JSON of the answer to a request; raises where there is none."""
        client, timeout = await self._connected(), timeout or self.options.timeout
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        with self._denial_of(subject) as denied, _unanswered(subject, timeout):
            answer: Answer = json.loads(await self._response(client, subject, body, timeout, denied))
            self._last_used = self._loop.time()
        return answer

    async def _response(
        self, client: _Client, subject: str, body: bytes, timeout: float, denied: asyncio.Future[Denial]
    ) -> bytes:
        """The data of the answer; raises at once where the server denies the request or the connection is lost."""
        response = asyncio.ensure_future(client.request(subject, body, timeout=timeout))
        pending: set[asyncio.Future[Any]] = {response, denied, client.lost}
        await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        if response.done():
            return response.result().data
        response.cancel()
        if not denied.done():
            raise nats.errors.ConnectionClosedError
        raise (DeniedRequestError if denied.result().direction == "publish" else NatsError)(
            f"request to {subject}",
            f"the server denies this user to {denied.result()}",
            "Allow it in the user's permissions.",
            code=DeniedRequestError.code,
        )

    @contextmanager
    def _denial_of(self, subject: str) -> Iterator[asyncio.Future[Denial]]:
        """A future that the server's denial of a request to this subject sets."""
        denied: asyncio.Future[Denial] = self._loop.create_future()
        self._denials[denied] = subject
        try:
            yield denied
        finally:
            del self._denials[denied]

    async def survey(
        self, subject: str, payload: Mapping[str, Any], expected: int | Collection[str], timeout: float
    ) -> list[Answer]:
        """The answers of all servers to one request: as many as expected, or those that came in time.

        `expected` is the number of different servers, or their names. With names, other servers may answer too, so they get a
        moment after all expected ones have answered. Each answer gets the `offset` of its server's clock to this machine's, in
        seconds. An answer without data, which reports an error, is left out.
        """
        client = await self._connected()
        with self._denial_of(subject) as denied:
            try:
                answers, no_responders = await self._collect(client, subject, payload, expected, timeout)
            except (nats.errors.Error, OSError) as error:
                raise NatsError(
                    f"request to {subject}", _sentence(error), "Run it again.", code=UnansweredError.code
                ) from error
        self._check_asked(subject, denied, no_responders)
        return answers

    async def _collect(
        self,
        client: _Client,
        subject: str,
        payload: Mapping[str, Any],
        expected: int | Collection[str],
        timeout: float,
    ) -> tuple[list[Answer], bool]:
        """The answers, and whether there was no responder at all."""
        answers: dict[str, Answer] = {}
        no_responders = False
        inbox = client.new_inbox()
        subscription = await client.subscribe(inbox)
        await client.publish(subject, json.dumps(payload).encode(), reply=inbox)
        deadline, complete = self._loop.time() + timeout, False
        with suppress(nats.errors.TimeoutError):  # the result is the answers that came in time
            while (remaining := deadline - self._loop.time()) > 0:
                if not complete and _complete(answers.values(), expected):
                    if isinstance(expected, int):
                        break
                    complete, remaining = True, min(remaining, STRAGGLERS_S)
                    deadline = self._loop.time() + remaining
                message = await client.unless_lost(subscription.next_msg(timeout=remaining))
                if not message.data:  # the server sends an empty message where there is no responder
                    no_responders = True
                    break
                answer = json.loads(message.data)
                if "data" in answer:
                    answers[answer["server"]["id"]] = answer | {"offset": _clock_offset(answer)}
        await subscription.unsubscribe()
        self._last_used = self._loop.time()
        return list(answers.values()), no_responders

    def _check_asked(self, subject: str, denied: asyncio.Future[Denial], no_responders: bool) -> None:
        """Raises where the request can't have reached any server: each server listens in its system account."""
        if denied.done():
            raise NotAskedError(
                Unasked.DENIED,
                f"request to {subject}",
                f"the server denies {self._user_title()} to {denied.result()}",
                "Allow it in the user's permissions.",
            )
        if no_responders and subject.startswith(EVERY_SERVER):
            raise NotAskedError(
                Unasked.OTHER_ACCOUNT,
                f"request to {subject}",
                f"{self._user_title()} is not in the system account",
                "Log in as a user of the system account.",
            )

    def _user_title(self) -> str:
        return f"user {self.options.user}" if self.options.user else "this user"

    async def client(self) -> Any:
        """The connected client of nats-py."""
        return await self._connected()

    async def another(self) -> Any:
        """A second client like this one's, which the caller has to close."""
        return await self._connect()

    async def _connected(self) -> Any:
        async with self._connecting:
            if self._client is None or not await self._alive(self._client):
                self._client = await self._connect()
            self._last_used = self._loop.time()
            return self._client

    async def _alive(self, client: Any) -> bool:
        """Whether the connection still works. Its loss is noticed only during a request, so after a pause a ping checks it."""
        if not client.is_connected or self._loop.time() - self._last_used < IDLE_S:
            return bool(client.is_connected)
        try:
            await client.unless_lost(client.flush(self.options.timeout))
        except (nats.errors.Error, OSError, asyncio.TimeoutError):
            await _closed(client)
            await client.mark_lost()
            return False
        return True

    async def _connect(self) -> Any:
        failures, reasons = [], set[Unasked]()
        waiting, slow = list(self.options.servers), set[str]()
        while waiting:
            server = waiting.pop(0)
            try:
                return await self._connect_to(server)
            except (nats.errors.Error, OSError, ValueError, ImportError, asyncio.TimeoutError) as error:
                # nats-py reports the actual error to the callback, and raises "no servers available".
                actual = self._last_error if isinstance(error, nats.errors.NoServersError) else None
                actual = actual or error
                if AUTHENTICATION_TIMEOUT in _sentence(actual).lower() and server not in slow:
                    slow.add(server)
                    waiting.append(server)
                else:
                    failures.append(self._explain(server, _sentence(actual)))
                    reasons.add(_reason(actual))
        raise NotAskedError(
            next((reason for reason in (Unasked.REFUSED, Unasked.NOT_TRUSTED) if reason in reasons), Unasked.NO_ANSWER),
            "connection",
            "; ".join(failures) or "there is no server to connect to",
            "Check the addresses and the credentials.",
        )

    async def _connect_to(self, server: str) -> _Client:
        timeout = max(0.5, self.options.connect_timeout / max(1, len(self.options.servers)))
        client = _Client(self.options.wants_tls)
        arguments = self._arguments(timeout) | {"disconnected_cb": client.mark_lost}
        try:
            await asyncio.wait_for(client.connect(server, **arguments), timeout + 0.2)
        except (nats.errors.Error, OSError, ValueError, ImportError, asyncio.TimeoutError):
            await _closed(client)
            raise
        return client

    def _arguments(self, timeout: float) -> dict[str, Any]:
        """The arguments of nats-py's connect."""
        options = self.options
        tls = _tls.tls_arguments(options.tls or TlsOptions()) if options.wants_tls else {}
        login = user_credentials.login_arguments(options.creds, options.nkey_seed, options.jwt)
        return {
            **tls,
            **login,
            "user": options.user,
            "password": options.password,
            "token": options.token,
            "inbox_prefix": options.inbox_prefix,
            "name": CLIENT_NAME,
            "allow_reconnect": False,
            "max_reconnect_attempts": 1,
            "reconnect_time_wait": 0.1,
            "connect_timeout": timeout,
            "error_cb": self._on_error,
        }

    async def _on_error(self, error: Exception) -> None:
        self._last_error = error
        if DENIED not in str(error):
            return
        direction, _word, denied = str(error).split(DENIED, 1)[1].partition(" to ")
        for future, subject in self._denials.items():
            if direction != "publish":
                denial = Denial("subscribe", f"{self.options.inbox_prefix}.>")
            elif subject.lower() in denied.lower():
                # nats-py turns the subject in the server's error into lower case, so the requested one is shown.
                denial = Denial("publish", subject)
            else:
                continue
            if not future.done():
                future.set_result(denial)


@contextmanager
def _unanswered(subject: str, timeout: float) -> Iterator[None]:
    """Turns nats-py's errors of a request into those of this collection."""
    what = f"request to {subject}"
    try:
        yield
    except nats.errors.NoRespondersError as error:
        remedy = "Is JetStream enabled for this account, and has the cluster a meta leader?"
        raise NobodyAnswersError(what, "nobody answers it", remedy) from error
    except nats.errors.TimeoutError as error:
        cause = f"no answer within {timeout:g} s: whether it was carried out is unknown"
        raise UnansweredError(what, cause, "Run it again to see.") from error
    except (nats.errors.Error, OSError) as error:
        cause = f"{_sentence(error)}: whether it was carried out is unknown"
        raise UnansweredError(what, cause, "Run it again to see.") from error


def _reason(error: Exception) -> Unasked:
    if any(word in str(error).lower() for word in REFUSED):
        return Unasked.REFUSED
    return Unasked.NOT_TRUSTED if isinstance(error, ssl.SSLError) else Unasked.NO_ANSWER


def _complete(answers: Collection[Answer], expected: int | Collection[str]) -> bool:
    if isinstance(expected, int):
        return len(answers) >= expected
    return {answer["server"]["name"] for answer in answers} >= set(expected)


def _clock_offset(answer: Answer) -> float:
    """Seconds by which the server's clock is ahead of this machine's."""
    moment = instant(answer["server"].get("time"))
    return (moment[0].timestamp() + moment[1] / 10**9 - time.time()) if moment else 0.0


async def _closed(client: Any) -> None:
    """Closes the client within a time limit: after a failed handshake, nats-py would wait for ever."""
    with suppress(nats.errors.Error, OSError, asyncio.TimeoutError):
        await asyncio.wait_for(client.close(), 0.2)


def secret_of(server: str) -> str | None:
    """The password or token in a server's URL, if any."""
    url = urlsplit(server if "://" in server else f"nats://{server}")
    return url.password or url.username


def _address(server: str) -> str:
    """The server's URL without a password or token."""
    url = urlsplit(server if "://" in server else f"nats://{server}")
    return f"{url.scheme}://{url.netloc.rpartition('@')[2]}"


def _sentence(error: Exception) -> str:
    """The cause of an error of nats-py or the network, in words."""
    if isinstance(error, ConnectionRefusedError) or "Connect call failed" in str(error):
        return "connection refused"
    if isinstance(error, (asyncio.TimeoutError, nats.errors.TimeoutError)):
        return "no answer in time"
    text = str(error).removeprefix("nats: ").strip(" '\"")
    return text or type(error).__name__
