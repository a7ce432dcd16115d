# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people start with, in Python: one function for each thing, to be copied. It ends with 0 only if all worked."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import uuid

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, PubAck

STREAM = "EVENTS"  # declared with messaging.nats.nats_stream, on events.>
SUBJECT = "events.python.created"  # one of the subjects that it stores
DURABLE = "python"  # our place in it, kept by the servers from one run to the next
TROUBLE = (nats.errors.Error, asyncio.TimeoutError)  # what passes; fetch raises both kinds when it waited in vain


def say(text: str) -> None:
    """At once, so that a pod's log is up to date."""
    print(text, flush=True)


class Failed(Exception):
    """Something did not do what it should."""


async def connect() -> Client:
    """Take address and credentials from the environment, where the pod has them from the Secret nats-app."""
    lost = 0.0

    async def disconnected() -> None:
        nonlocal lost
        lost = time.monotonic()

    async def reconnected() -> None:
        say(f"reconnected: after {time.monotonic() - lost:.1f} s")

    async def error(problem: Exception) -> None:
        say(f"trouble: {problem}")  # an attempt to connect that failed; without this it is logged with a traceback

    connecting = nats.connect(
        os.environ["NATS_URL"],
        name="example in Python",  # what the servers call this connection
        user=os.environ["NATS_USER"],
        password=os.environ["NATS_PASSWORD"],
        max_reconnect_attempts=-1,  # a pod comes back, and until then there are others: never give up
        reconnect_time_wait=0.25,
        disconnected_cb=disconnected,
        reconnected_cb=reconnected,
        error_cb=error,
    )
    try:
        return await asyncio.wait_for(connecting, 30)  # the first time it would not give up either
    except asyncio.TimeoutError:
        raise Failed("no connection within 30 s") from None


async def server(nc: Client) -> str:
    """The name of the server we are connected to: it tells every user who he is."""
    answer = await nc.request("$SYS.REQ.USER.INFO", timeout=2)
    return str(json.loads(answer.data)["server"]["name"])


async def wildcard(nc: Client) -> None:
    """A * stands for one token of a subject, a > for all that follow."""
    greetings = await nc.subscribe("greet.python.*")
    for language in ("de", "en", "en.scottish", "fr"):  # the third one has a token too many
        await nc.publish(f"greet.python.{language}", b"hello")
    got = [(await greetings.next_msg(timeout=2)).subject for _message in range(3)]
    await greetings.unsubscribe()
    if got != ["greet.python.de", "greet.python.en", "greet.python.fr"]:
        raise Failed(f"wildcard: got {got}")
    say("wildcard: 3 of 4 messages match greet.python.*")


async def request(nc: Client) -> None:
    """An answer, or an error that says why there is none. A request always has a timeout."""

    async def double(msg: Msg) -> None:
        await msg.respond(str(2 * int(msg.data)).encode())

    async def ignore(msg: Msg) -> None:
        pass

    await nc.subscribe("double.python", cb=double)
    await nc.subscribe("silent.python", cb=ignore)
    reply = await nc.request("double.python", b"21", timeout=2)
    if reply.data != b"42":
        raise Failed(f"request: twice 21 is {reply.data.decode()}")
    say("request: twice 21 is 42")

    asked = time.monotonic()
    try:
        await nc.request("silent.python", timeout=0.5)
    except nats.errors.TimeoutError:
        if time.monotonic() - asked < 0.49:
            raise Failed("timeout: a silent service was given up too early") from None
        say("timeout: a service that is silent was given up after 0.5 s")
    else:
        raise Failed("timeout: a silent service has answered")

    try:
        await nc.request("nobody.python", timeout=2)
    except nats.errors.NoRespondersError:
        say("no responders: a service that is not there was told at once")
    else:
        raise Failed("no responders: nobody has answered")


class Events:
    """Publishes to the stream, consumes from it, and keeps account of both."""

    def __init__(self, nc: Client) -> None:
        self.nc, self.js = nc, nc.jetstream()
        self.run = uuid.uuid4().hex  # makes the ids of this run unlike those of others
        self.stored = 0  # events whose storing was acknowledged
        self.again = 0  # times that one was sent again
        self.consumed: dict[str, int] = {}  # id: its place in the stream
        self.doubled = 0  # ids that are in the stream twice

    async def store(self, event: str) -> PubAck:
        """Return once most of the stream's servers have the event. Sent again under the same id it is stored once."""
        while True:
            try:
                return await self.js.publish(SUBJECT, b"created", timeout=2, headers={"Nats-Msg-Id": event})
            except TROUBLE:  # no answer in time, or no leader at the moment
                self.again += 1
                await asyncio.sleep(0.1)

    async def store_next(self) -> None:
        await self.store(f"{self.run}-{self.stored}")
        self.stored += 1

    async def consumer(self) -> JetStreamContext.PullSubscription:
        """Our durable consumer: made when it is missing, and then where it was left."""
        config = ConsumerConfig(
            durable_name=DURABLE,
            filter_subject="events.python.>",
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=5,  # seconds; then what was not acknowledged, on a connection that broke, comes again
        )
        await self.js.add_consumer(STREAM, config)
        return await self.js.pull_subscribe_bind(DURABLE, STREAM)

    async def consume(self, subscription: JetStreamContext.PullSubscription) -> None:
        """Handle and acknowledge one event after the other, until the connection is closed."""
        while not self.nc.is_closed:
            try:
                messages = await subscription.fetch(100, timeout=1)
            except TROUBLE:  # nothing new, or the connection is being made again
                await asyncio.sleep(0.1)
                continue
            for msg in messages:
                self.handle(msg)
                await msg.ack()

    def handle(self, msg: Msg) -> None:
        """What comes again, because its acknowledgement was lost, is known by its id and its place."""
        event, place = (msg.headers or {}).get("Nats-Msg-Id", ""), msg.metadata.sequence.stream
        if event.startswith(self.run):  # others were left by an earlier run
            self.doubled += self.consumed.get(event, place) != place
            self.consumed[event] = place

    async def balance(self) -> str:
        """Wait until every event was consumed and acknowledged; fail unless each was there once."""
        for _try in range(150):
            text = f"{self.stored} stored, {len(self.consumed)} consumed"
            text += f", {self.stored - len(self.consumed)} lost, {self.doubled} doubled"
            if await self.settled() and len(self.consumed) == self.stored and not self.doubled:
                return text
            await asyncio.sleep(0.2)
        raise Failed(text)

    async def settled(self) -> bool:
        try:
            info = await self.js.consumer_info(STREAM, DURABLE)
        except TROUBLE:
            return False
        return not info.num_pending and not info.num_ack_pending

    async def store_ten(self) -> None:
        for _event in range(10):
            await self.store_next()
        ack = await self.store(f"{self.run}-0")  # as a publisher does that did not hear the first acknowledgement
        if not ack.duplicate:
            raise Failed("stream: an event that was sent twice was stored twice")
        say(f"stream: 10 events are in {ack.stream}, one that was sent twice is there once")
        say(f"consume: {await self.balance()}")

    async def reconnect(self, patience: int) -> None:
        """Publish and consume on while the pod we are connected to is replaced, which has to happen within seconds."""
        say(f"waiting: publishing until {await server(self.nc)} is replaced")
        try:
            await asyncio.wait_for(self.store_until_replaced(), patience)
        except asyncio.TimeoutError:
            raise Failed(f"reconnect: nothing was replaced within {patience} s") from None
        say(f"reconnect: {await self.balance()}, {self.again} sent again")

    async def store_until_replaced(self) -> None:
        rest = 50  # more once it was
        while rest:
            await self.store_next()
            rest -= self.nc.stats["reconnects"] > 0
            await asyncio.sleep(0.05)


async def main() -> None:
    nc = await connect()
    say(f"connected: to {await server(nc)}")
    await wildcard(nc)
    await request(nc)

    events = Events(nc)
    consuming = asyncio.create_task(events.consume(await events.consumer()))
    await asyncio.wait_for(events.store_ten(), timeout=30)
    if patience := int(os.environ.get("RECONNECT_TIMEOUT", "0")):
        await events.reconnect(patience)
    else:
        say("reconnect: left out, RECONNECT_TIMEOUT is not set")
    await nc.close()
    await consuming
    say("done: all of it worked")


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except (Failed, OSError, *TROUBLE) as problem:
        say(f"failed: {str(problem) or repr(problem)}")
        sys.exit(1)
