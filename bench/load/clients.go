// Copyright (c) 2026, the messaging.nats authors
// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// connect has a connection on its way: it is tried for as long as the program runs.
func connect(o options, name string) (*nats.Conn, error) {
	with := []nats.Option{
		nats.Name("load " + name),
		nats.Timeout(time.Second),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(100 * time.Millisecond),
		nats.ReconnectJitter(100*time.Millisecond, 100*time.Millisecond),
		nats.PingInterval(5 * time.Second),
		nats.IgnoreAuthErrorAbort(),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			fmt.Fprintf(os.Stderr, "load: %s: %v\n", name, err)
		}),
	}
	if o.user != "" {
		with = append(with, nats.UserInfo(o.user, o.password))
	}
	if o.ca != "" {
		with = append(with, nats.RootCAs(o.ca))
	}
	if o.cert != "" {
		with = append(with, nats.ClientCert(o.cert, o.key))
	}
	return nats.Connect(o.servers, with...)
}

// every calls do at a rate until ctx ends; what it misses while do takes long is left out.
func every(ctx context.Context, rate float64, do func()) {
	interval := time.Duration(float64(time.Second) / rate)
	sleep(ctx, rand.N(interval))
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if ctx.Err() == nil {
				do()
			}
		}
	}
}

// publisher has its messages acked, one after the other, each with an id under which it is sent again.
type publisher struct {
	*caller
	number int
	nc     *nats.Conn
	js     jetstream.JetStream
}

// run publishes until flow ends; what is not acked then is tried until end.
func (p *publisher) run(flow, end context.Context, o options, targets []*target, l *ledger) {
	every(flow, o.rate/float64(o.publishers), func() {
		number, id := l.add(p.number)
		to := targets[(p.number+number)%len(targets)]
		message := &nats.Msg{Subject: to.subject(p.number), Data: body(id, o.size)}
		if p.call(end, func(ctx context.Context) error {
			_, err := p.js.PublishMsg(ctx, message, jetstream.WithMsgID(id), jetstream.WithRetryAttempts(0))
			return err
		}) {
			l.acked(p.number, number)
		}
	})
}

// requester asks the responders.
type requester struct {
	*caller
	nc *nats.Conn
}

func (r *requester) run(flow, end context.Context, o options, subject string) {
	every(flow, o.requestRate/float64(o.requesters), func() {
		r.call(end, func(ctx context.Context) error {
			_, err := r.nc.RequestWithContext(ctx, subject, []byte("ping"))
			return err
		})
	})
}

func respond(nc *nats.Conn, subject string) error {
	_, err := nc.QueueSubscribe(subject, "load", func(message *nats.Msg) { _ = message.Respond(message.Data) })
	return err
}

// Deliveries is what a consumer has seen.
type Deliveries struct {
	Delivered   int     `json:"delivered"`
	Redelivered int     `json:"redelivered"` // as the server marks them
	Unconfirmed int     `json:"unconfirmed"` // acks that the server did not confirm in time
	LongestGap  Seconds `json:"longest_gap"` // between two deliveries
	Reconnects  uint64  `json:"reconnects"`
}

// consumer takes from every stream's durable consumer, and has each ack confirmed.
type consumer struct {
	nc      *nats.Conn
	timeout time.Duration
	ledger  *ledger

	acks sync.WaitGroup
	mu   sync.Mutex
	seen Deliveries
	last time.Time
}

// start returns how it is stopped.
func (c *consumer) start(ctx context.Context, targets []*target) (func(), error) {
	js, err := jetstream.New(c.nc)
	if err != nil {
		return nil, err
	}
	var running []jetstream.ConsumeContext
	stop := func() {
		for _, one := range running {
			one.Stop()
			<-one.Closed()
		}
		c.acks.Wait()
	}
	for _, t := range targets {
		err := eventually(ctx, c.nc, "consuming stream "+t.name, func(ctx context.Context) error {
			durable, err := js.Consumer(ctx, t.name, t.durable)
			if err != nil {
				return err
			}
			one, err := durable.Consume(c.take, jetstream.PullExpiry(5*time.Second), jetstream.PullHeartbeat(time.Second),
				jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) { c.trouble(err) }))
			if err == nil {
				running = append(running, one)
			}
			return err
		})
		if err != nil {
			return stop, err
		}
	}
	return stop, nil
}

// passing is what the client overcomes by asking again; it shows in the gaps.
var passing = []error{
	jetstream.ErrNoHeartbeat, jetstream.ErrConsumerLeadershipChanged, jetstream.ErrServerShutdown,
	nats.ErrNoResponders, nats.ErrConnectionClosed,
}

func (c *consumer) trouble(err error) {
	if unless(err, passing...) != nil {
		fmt.Fprintf(os.Stderr, "load: consumer: %v\n", err)
	}
}

func (c *consumer) take(message jetstream.Msg) {
	about, err := message.Metadata()
	if err != nil {
		c.trouble(err)
		return
	}
	now := time.Now()
	c.ledger.delivered(message.Data(), about.NumDelivered == 1, now)
	c.note(about.NumDelivered > 1, now)
	c.acks.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
		defer cancel()
		if err := message.DoubleAck(ctx); err == nil {
			c.ledger.confirmed(message.Data(), time.Now())
		} else {
			c.mu.Lock()
			c.seen.Unconfirmed++
			c.mu.Unlock()
		}
	})
}

func (c *consumer) note(again bool, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen.Delivered++
	c.seen.Redelivered += one(again)
	if !c.last.IsZero() {
		c.seen.LongestGap = max(c.seen.LongestGap, Seconds(now.Sub(c.last)))
	}
	c.last = now
}

func (c *consumer) deliveries() Deliveries {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := c.seen
	seen.Reconnects = c.nc.Stats().Reconnects
	return seen
}
