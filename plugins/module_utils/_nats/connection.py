# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""A connection to NATS for code that runs from top to bottom. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import time
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlsplit

from ansible_collections.messaging.nats.plugins.module_utils._common.errors import (
    NatsError,
    NobodyAnswersError,
    NotAskedError,
    UnansweredError,
    Unasked,
)
from ansible_collections.messaging.nats.plugins.module_utils._common.units import instant

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
CREDENTIALS = re.compile(r"BEGIN NATS USER JWT-+\s+(\S+)\s.*BEGIN USER NKEY SEED-+\s+(\S+)\s", re.DOTALL)
# How the servers list us.
CLIENT_NAME = "messaging.nats"
# Seconds for servers that nobody expects, after all others have answered.
STRAGGLERS_S = 0.05
# Seconds after which a connection is asked whether its server is still there.
IDLE_S = 0.2
# What a server says when a login took longer than it waits: whoever is busy gets a second chance.
AUTHENTICATION_TIMEOUT = "authentication timeout"
# What its protocol has for a login that it does not take.
REFUSED = ("authorization violation", "authentication expired", "authentication revoked")
EVERY_SERVER = "$SYS.REQ.SERVER.PING"
DENIED = "permissions violation for "
CREDS = """-----BEGIN NATS USER JWT-----
{jwt}
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
{seed}
------END USER NKEY SEED------
"""


@dataclass(frozen=True)
class Options:
    """Where the servers are and who we are there."""

    servers: Sequence[str]
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    creds: str | None = field(default=None, repr=False)
    nkey_seed: str | None = field(default=None, repr=False)
    jwt: str | None = field(default=None, repr=False)
    tls: Mapping[str, Any] | None = None
    inbox_prefix: str = "_INBOX"
    timeout: float = 5
    # Seconds for all servers together.
    connect_timeout: float = 2.4

    @property
    def wants_tls(self) -> bool:
        return self.tls is not None or any(server.startswith("tls://") for server in self.servers)


class _Client(Client):
    """nats-py goes on in clear text, password included, where a server offers no TLS: this one does not."""

    def __init__(self, wants_tls: bool) -> None:
        super().__init__()
        self._wants_tls = wants_tls
        # Done once the connection is lost: nats-py goes on waiting for an answer then.
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def leave(self) -> None:
        """For nats-py to call when it loses the connection."""
        if not self.gone.done():
            self.gone.set_result(None)

    async def unless_gone(self, work: Coroutine[Any, Any, T]) -> T:
        """What it results in, unless the connection is lost before."""
        asked = asyncio.ensure_future(work)
        await asyncio.wait((asked, self.gone), return_when=asyncio.FIRST_COMPLETED)
        if asked.done():
            return asked.result()
        asked.cancel()
        raise nats.errors.ConnectionClosedError

    async def _process_connect_init(self) -> None:
        """A handshake that fails: nats-py would leave its socket open."""
        try:
            await super()._process_connect_init()
        except (nats.errors.Error, OSError, asyncio.TimeoutError):
            if self._transport:
                self._transport.close()  # type: ignore[no-untyped-call]
            raise

    async def _process_info(self, info: Answer, initial_connection: bool = False) -> None:
        if self._wants_tls and not info.get("tls_required"):
            if not info.get("tls_available"):
                raise nats.errors.Error("the server offers no TLS, and TLS was asked for")
            # nats-py takes TLS only where the server insists.
            self._server_info["tls_required"] = True
        await super()._process_info(info, initial_connection)


class Connection:
    """Connects when it is first used, to the first of the servers that takes us."""

    def __init__(self, options: Options, explain: Callable[[str, str], str] | None = None) -> None:
        self.options = options
        self._explain = explain or (lambda server, sentence: f"{_address(server)}: {sentence}")
        self._loop = asyncio.new_event_loop()
        self._client: Any = None
        self._connecting = asyncio.Lock()
        self._used = 0.0
        # What each request that is under way would be denied.
        self._denials: dict[asyncio.Future[str], str] = {}
        self._last_error: Exception | None = None

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            self._loop.run_until_complete(_closed(self._client))
        # What was closed lets go of its socket in the next turn.
        self._loop.run_until_complete(asyncio.sleep(0.01 if self._last_error else 0))
        self._loop.close()

    def request(self, subject: str, payload: Mapping[str, Any] | bytes = b"", timeout: float | None = None) -> Answer:
        """The JSON that answers a request."""
        return self.run(self.ask(subject, payload, timeout))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What asynchronous work on this connection results in."""
        return self._loop.run_until_complete(work)

    def server(self) -> Answer:
        """What the server we are connected to says of itself."""

        async def info() -> Answer:
            found: Answer = (await self._connected())._server_info
            return found

        return self.run(info())

    async def ask(self, subject: str, payload: Mapping[str, Any] | bytes = b"", timeout: float | None = None) -> Answer:
        """The JSON that answers a request, or why there is none."""
        client, timeout = await self._connected(), timeout or self.options.timeout
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        denied: asyncio.Future[str] = self._loop.create_future()
        self._denials[denied] = subject
        asked = asyncio.ensure_future(client.request(subject, body, timeout=timeout))
        try:
            await asyncio.wait({asked, denied, client.gone}, return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                asked.cancel()
                if not denied.done():
                    raise nats.errors.ConnectionClosedError
                raise NatsError(
                    f"request to {subject}",
                    f"the server denies this user to {denied.result()}",
                    "Allow it in the user's permissions.",
                )
            answer: Answer = json.loads((await asked).data)
            self._used = self._loop.time()
        except nats.errors.NoRespondersError as error:
            raise NobodyAnswersError(
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
        finally:
            del self._denials[denied]
        return answer

    async def survey(
        self, subject: str, payload: Mapping[str, Any], expected: int | Collection[str], timeout: float
    ) -> list[Answer]:
        """What all servers answer to one request: so many different ones or all of these names, or those that came in time.

        Where they are expected by name, one that is not expected does not stand for one that is, and is waited for a moment.
        Each has the `offset` of that server's clock to ours, in seconds. An answer without data, as one that tells an error, is none.
        """
        client = await self._connected()
        answers: dict[str, Answer] = {}
        inbox = client.new_inbox()
        denied: asyncio.Future[str] = self._loop.create_future()
        self._denials[denied] = subject
        nobody = False
        try:
            listening = await client.subscribe(inbox)
            await client.publish(subject, json.dumps(payload).encode(), reply=inbox)
            deadline, complete = self._loop.time() + timeout, False
            with suppress(nats.errors.TimeoutError):  # those that came in time are the answer
                while (left := deadline - self._loop.time()) > 0:
                    if not complete and _complete(answers.values(), expected):
                        if isinstance(expected, int):
                            break
                        complete, left = True, min(left, STRAGGLERS_S)
                        deadline = self._loop.time() + left
                    message = await client.unless_gone(listening.next_msg(timeout=left))
                    if not message.data:  # an empty message says that nobody listens
                        nobody = True
                        break
                    answer = json.loads(message.data)
                    if "data" in answer:
                        answers[answer["server"]["id"]] = answer | {"offset": _offset(answer)}
            await listening.unsubscribe()
            self._used = self._loop.time()
        except (nats.errors.Error, OSError) as error:
            raise NatsError(f"request to {subject}", _sentence(error), "Run it again.") from error
        finally:
            del self._denials[denied]
        self._check_asked(subject, denied, nobody)
        return list(answers.values())

    def _check_asked(self, subject: str, denied: asyncio.Future[str], nobody: bool) -> None:
        """Raises where a question can't have reached any server: every server listens in its system account."""
        if denied.done():
            raise NotAskedError(
                Unasked.DENIED,
                f"request to {subject}",
                f"the server denies {self._who()} to {denied.result()}",
                "Allow it in the user's permissions.",
            )
        if nobody and subject.startswith(EVERY_SERVER):
            raise NotAskedError(
                Unasked.OTHER_ACCOUNT,
                f"request to {subject}",
                f"{self._who()} is not in the system account",
                "Log in as a user of the system account.",
            )

    def _who(self) -> str:
        return f"user {self.options.user}" if self.options.user else "this user"

    async def client(self) -> Any:
        """The client library's own connection."""
        return await self._connected()

    async def another(self) -> Any:
        """One more connection like this one; who asks for it closes it."""
        return await self._connect()

    async def _connected(self) -> Any:
        async with self._connecting:
            if self._client is None or not await self._alive(self._client):
                self._client = await self._connect()
            self._used = self._loop.time()
            return self._client

    async def _alive(self, client: Any) -> bool:
        """Nobody notices that a server goes while nobody waits on the connection: after a pause it is asked."""
        if not client.is_connected or self._loop.time() - self._used < IDLE_S:
            return bool(client.is_connected)
        try:
            await client.unless_gone(client.flush(self.options.timeout))
        except (nats.errors.Error, OSError, asyncio.TimeoutError):
            await _closed(client)
            await client.leave()
            return False
        return True

    async def _connect(self) -> Any:
        failures, reasons = [], set[Unasked]()
        patience = max(0.5, self.options.connect_timeout / max(1, len(self.options.servers)))
        waiting, slow = list(self.options.servers), set[str]()
        while waiting:
            server = waiting.pop(0)
            client = _Client(self.options.wants_tls)
            arguments = self._arguments(patience) | {"disconnected_cb": client.leave}
            try:
                await asyncio.wait_for(client.connect(server, **arguments), patience + 0.2)
            except (nats.errors.Error, OSError, ValueError, ImportError, asyncio.TimeoutError) as error:
                # nats-py hides what it met behind "no servers available".
                met = self._last_error if isinstance(error, nats.errors.NoServersError) and self._last_error else error
                await _closed(client)
                if AUTHENTICATION_TIMEOUT in _sentence(met).lower() and server not in slow:
                    slow.add(server)
                    waiting.append(server)
                else:
                    failures.append(self._explain(server, _sentence(met)))
                    reasons.add(_reason(met))
            else:
                return client
        raise NotAskedError(
            next((reason for reason in (Unasked.REFUSED, Unasked.NOT_TRUSTED) if reason in reasons), Unasked.NO_ANSWER),
            "connection",
            "; ".join(failures) or "there is no server to connect to",
            "Check the addresses and the credentials.",
        )

    def _arguments(self, patience: float) -> dict[str, Any]:
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
            jwt, seed = _read_creds(options.creds)
            _check_seed("creds", seed)
            arguments["user_credentials"] = RawCredentials(CREDS.format(jwt=jwt, seed=seed))
        elif options.nkey_seed:
            seed = options.nkey_seed.strip()
            _check_seed("nkey_seed", seed)
            if options.jwt:
                arguments["user_credentials"] = RawCredentials(CREDS.format(jwt=options.jwt.strip(), seed=seed))
            else:
                arguments["nkeys_seed_str"] = seed
        return arguments | {
            "user": options.user,
            "password": options.password,
            "token": options.token,
            "inbox_prefix": options.inbox_prefix,
            "name": CLIENT_NAME,
            "allow_reconnect": False,
            "max_reconnect_attempts": 1,
            "reconnect_time_wait": 0.1,
            "connect_timeout": patience,
            "error_cb": self._on_error,
        }

    async def _on_error(self, error: Exception) -> None:
        self._last_error = error
        if DENIED not in str(error):
            return
        direction, _word, denied = str(error).split(DENIED, 1)[1].partition(" to ")
        for future, subject in self._denials.items():
            if direction != "publish":
                sentence = f"subscribe to {self.options.inbox_prefix}.>"
            elif subject.lower() in denied.lower():
                # The server's own sentence has the subject in lower case, so ours is told.
                sentence = f"publish to {subject}"
            else:
                continue
            if not future.done():
                future.set_result(sentence)


def _reason(error: Exception) -> Unasked:
    if any(word in str(error).lower() for word in REFUSED):
        return Unasked.REFUSED
    return Unasked.NOT_TRUSTED if isinstance(error, ssl.SSLError) else Unasked.NO_ANSWER


def _complete(answers: Collection[Answer], expected: int | Collection[str]) -> bool:
    if isinstance(expected, int):
        return len(answers) >= expected
    return {answer["server"]["name"] for answer in answers} >= set(expected)


def _offset(answer: Answer) -> float:
    told = instant(answer["server"].get("time"))
    return (told[0].timestamp() + told[1] / 10**9 - time.time()) if told else 0.0


def _read_creds(creds: str) -> tuple[str, str]:
    """JWT and seed of credentials: a path, or their content."""
    text = creds
    if "-----BEGIN" not in creds:
        try:
            with open(creds, encoding="utf-8") as file:
                text = file.read()
        except (OSError, UnicodeDecodeError) as error:
            raise NatsError(
                "option creds", f"the file can't be read: {error}", "Give its path or its content."
            ) from error
    parts = CREDENTIALS.search(text)
    if parts is None:
        raise NatsError("option creds", "it holds no JWT and seed", "Give a file that nsc made, or its content.")
    return parts[1], parts[2]


def _check_seed(option: str, seed: str) -> None:
    """nats-py says nothing, or with a traceback, of a seed that is none."""
    try:
        import nkeys

        nkeys.from_seed(bytearray(seed.encode()))
    except ImportError as error:
        raise NatsError(
            f"option {option}", "the Python library nkeys is missing", "Install it: pip install nkeys."
        ) from error
    except (ValueError, nkeys.NkeysError) as error:
        raise NatsError(f"option {option}", "its seed is none", "A user's seed begins with SU.") from error


async def _closed(client: Any) -> None:
    """After a handshake that failed, nats-py would wait for ever."""
    with suppress(nats.errors.Error, OSError, asyncio.TimeoutError):
        await asyncio.wait_for(client.close(), 0.2)


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


def secret_of(server: str) -> str | None:
    """The password of the credentials that a URL may carry, or the token that stands alone there."""
    url = urlsplit(server if "://" in server else f"nats://{server}")
    return url.password or url.username


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
