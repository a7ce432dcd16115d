// Copyright (c) 2026, the messaging.nats authors
// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// What people start with, in Node.js: one function for each thing, to be copied. It ends with 0 only if all worked.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { AckPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, errors, nanos, nuid } from "@nats-io/transport-node";

const STREAM = "EVENTS"; // declared with messaging.nats.nats_stream, on events.>
const SUBJECT = "events.nodejs.created"; // one of the subjects that it stores
const DURABLE = "nodejs"; // our place in it, kept by the servers from one run to the next

// Address and credentials come from the environment, where the pod has them from the Secret nats-app.
async function connected() {
  const nc = await connect({
    servers: process.env.NATS_URL,
    name: "example in Node.js", // what the servers call this connection
    user: process.env.NATS_USER,
    pass: process.env.NATS_PASSWORD,
    maxReconnectAttempts: -1, // a pod comes back, and until then there are others: never give up
    reconnectTimeWait: 250,
  });
  console.log(`connected: to ${nc.info.server_name}`);
  return nc;
}

// Counts how often the connection was made again.
async function watch(nc, connection) {
  let lost;
  for await (const status of nc.status()) {
    if (status.type === "disconnect") lost = Date.now();
    if (status.type === "reconnect") {
      connection.reconnects++;
      console.log(`reconnected: to ${nc.info.server_name} after ${((Date.now() - lost) / 1000).toFixed(1)} s`);
    }
  }
}

// A * stands for one token of a subject, a > for all that follow.
async function wildcard(nc) {
  const greetings = nc.subscribe("greet.nodejs.*", { max: 3 });
  for (const language of ["de", "en", "en.scottish", "fr"]) { // the third one has a token too many
    nc.publish(`greet.nodejs.${language}`, "hello");
  }
  const got = [];
  for await (const msg of greetings) got.push(msg.subject);
  assert.deepEqual(got, ["greet.nodejs.de", "greet.nodejs.en", "greet.nodejs.fr"]);
  console.log("wildcard: 3 of 4 messages match greet.nodejs.*");
}

// An answer, or an error that says why there is none. A request always has a timeout.
async function request(nc) {
  nc.subscribe("double.nodejs", { callback: (_error, msg) => msg.respond(String(2 * Number(msg.string()))) });
  nc.subscribe("silent.nodejs", { callback: () => {} });

  const reply = await nc.request("double.nodejs", "21", { timeout: 2000 });
  assert.equal(reply.string(), "42");
  console.log(`request: twice 21 is ${reply.string()}`);

  const asked = performance.now();
  await assert.rejects(nc.request("silent.nodejs", "", { timeout: 500 }), errors.TimeoutError);
  assert(performance.now() - asked > 490, "it was given up too early");
  console.log("timeout: a service that is silent was given up after 0.5 s");

  await assert.rejects(nc.request("nobody.nodejs", "", { timeout: 2000 }), (error) => error.isNoResponders());
  console.log("no responders: a service that is not there was told at once");
}

// Publishes to the stream, consumes from it, and keeps account of both.
class Events {
  run = nuid.next(); // makes the ids of this run unlike those of others
  stored = 0; // events whose storing was acknowledged
  again = 0; // times that one was sent again
  consumed = new Map(); // id: its place in the stream
  doubled = 0; // ids that are in the stream twice

  static async start(nc) {
    const events = new Events();
    events.js = jetstream(nc);
    const manager = await jetstreamManager(nc);
    await manager.consumers.add(STREAM, {
      durable_name: DURABLE,
      filter_subject: "events.nodejs.>",
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(5000), // then what was not acknowledged, on a connection that broke, comes again
    });
    events.consumer = await events.js.consumers.get(STREAM, DURABLE);
    events.messages = await events.consumer.consume({ callback: (msg) => events.consume(msg) });
    return events;
  }

  // Returns once a majority of the stream's servers has the event. Sent again under the same id it is stored once.
  async store(id, signal) {
    for (;;) {
      try {
        return await this.js.publish(SUBJECT, "created", { msgID: id, timeout: 2000 });
      } catch (error) { // no answer in time, or no leader at the moment
        if (signal.aborted) throw error;
        this.again++;
        await sleep(100);
      }
    }
  }

  async storeNext(signal) {
    await this.store(`${this.run}-${this.stored}`, signal);
    this.stored++;
  }

  // Handles and acknowledges one event. One that comes again, because its acknowledgement was lost, is known.
  consume(msg) {
    const id = msg.headers?.get("Nats-Msg-Id") ?? "";
    if (id.startsWith(this.run)) { // others were left by an earlier run
      if (this.consumed.has(id) && this.consumed.get(id) !== msg.seq) this.doubled++;
      this.consumed.set(id, msg.seq);
    }
    msg.ack();
  }

  // Waits until every event was consumed and acknowledged; fails unless each was there once.
  async balance(signal) {
    for (;;) {
      const info = await this.consumer.info().catch(() => undefined);
      const settled = info?.num_pending === 0 && info.num_ack_pending === 0;
      const lost = this.stored - this.consumed.size;
      const text = `${this.stored} stored, ${this.consumed.size} consumed, ${lost} lost, ${this.doubled} doubled`;
      if (settled && lost === 0 && this.doubled === 0) return text;
      assert(!signal.aborted, text);
      await sleep(200);
    }
  }

  async storeTen() {
    const signal = AbortSignal.timeout(30_000);
    for (let i = 0; i < 10; i++) await this.storeNext(signal);
    const ack = await this.store(`${this.run}-0`, signal); // as a publisher that did not hear the acknowledgement
    assert(ack.duplicate, "an event that was sent twice was stored twice");
    console.log(`stream: 10 events are in ${ack.stream}, one that was sent twice is there once`);
    console.log(`consume: ${await this.balance(signal)}`);
  }

  // Publishes and consumes on while the pod we are connected to is replaced. RECONNECT_TIMEOUT says how many seconds
  // to wait for that to happen; without it this is left out.
  async reconnect(nc, connection) {
    const seconds = Number(process.env.RECONNECT_TIMEOUT ?? 0);
    if (!seconds) return console.log("reconnect: left out, RECONNECT_TIMEOUT is not set");
    const signal = AbortSignal.timeout(seconds * 1000);
    console.log(`waiting: publishing until ${nc.info.server_name} is replaced`);
    for (let rest = 50; rest > 0;) { // 50 more once it was
      assert(!signal.aborted, `nothing was replaced within ${seconds} s`);
      await this.storeNext(signal);
      if (connection.reconnects) rest--;
      await sleep(50);
    }
    console.log(`reconnect: ${await this.balance(signal)}, ${this.again} sent again`);
  }
}

async function main() {
  const nc = await connected();
  const connection = { reconnects: 0 };
  watch(nc, connection);
  await wildcard(nc);
  await request(nc);
  const events = await Events.start(nc);
  await events.storeTen();
  await events.reconnect(nc, connection);
  await nc.close();
  console.log("done: all of it worked");
}

main().catch((error) => {
  console.log("failed:", error.message);
  process.exit(1);
});
