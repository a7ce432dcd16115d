// Copyright (c) 2026, the messaging.nats authors
// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// What people start with, in Go: one function for each thing, to be copied. It ends with 0 only if all of it worked.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
)

const (
	stream  = "EVENTS"            // declared with messaging.nats.nats_stream, on events.>
	subject = "events.go.created" // one of the subjects that it stores
	durable = "go"                // our place in it, kept by the servers from one run to the next
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	fmt.Println("done: all of it worked")
}

func run(ctx context.Context) error {
	nc, err := connect()
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer nc.Close()
	fmt.Println("connected: to", nc.ConnectedServerName())

	if err := wildcard(nc); err != nil {
		return fmt.Errorf("wildcard: %w", err)
	}
	if err := request(nc); err != nil {
		return fmt.Errorf("request: %w", err)
	}
	events, err := newEvents(ctx, nc)
	if err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	defer events.consuming.Stop()
	if err := events.storeTen(ctx); err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	if err := events.reconnect(ctx, nc); err != nil {
		return fmt.Errorf("reconnect: %w", err)
	}
	return nil
}

// connect takes address and credentials from the environment, where the pod has them from the Secret nats-app.
func connect() (*nats.Conn, error) {
	var lost time.Time
	return nats.Connect(os.Getenv("NATS_URL"),
		nats.Name("example in Go"), // what the servers call this connection
		nats.UserInfo(os.Getenv("NATS_USER"), os.Getenv("NATS_PASSWORD")),
		nats.MaxReconnects(-1), // a pod comes back, and until then there are others: never give up
		nats.ReconnectWait(250*time.Millisecond),
		nats.DisconnectErrHandler(func(*nats.Conn, error) { lost = time.Now() }),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			fmt.Printf("reconnected: to %s after %.1f s\n", nc.ConnectedServerName(), time.Since(lost).Seconds())
		}),
	)
}

// wildcard: a * stands for one token of a subject, a > for all that follow.
func wildcard(nc *nats.Conn) error {
	greetings, err := nc.SubscribeSync("greet.go.*")
	if err != nil {
		return err
	}
	defer greetings.Unsubscribe()

	for _, language := range []string{"de", "en", "en.scottish", "fr"} { // the third one has a token too many
		if err := nc.Publish("greet.go."+language, []byte("hello")); err != nil {
			return err
		}
	}
	for _, want := range []string{"greet.go.de", "greet.go.en", "greet.go.fr"} {
		msg, err := greetings.NextMsg(2 * time.Second)
		if err != nil {
			return err
		}
		if msg.Subject != want {
			return fmt.Errorf("got %s instead of %s", msg.Subject, want)
		}
	}
	fmt.Println("wildcard: 3 of 4 messages match greet.go.*")
	return nil
}

// request: an answer, or an error that says why there is none. A request always has a timeout.
func request(nc *nats.Conn) error {
	adder, err := nc.Subscribe("double.go", func(msg *nats.Msg) {
		number, _ := strconv.Atoi(string(msg.Data))
		msg.Respond([]byte(strconv.Itoa(2 * number)))
	})
	if err != nil {
		return err
	}
	defer adder.Unsubscribe()
	reply, err := nc.Request("double.go", []byte("21"), 2*time.Second)
	if err != nil {
		return err
	}
	if string(reply.Data) != "42" {
		return fmt.Errorf("twice 21 is %s", reply.Data)
	}
	fmt.Println("request: twice 21 is", string(reply.Data))

	silent, err := nc.SubscribeSync("silent.go")
	if err != nil {
		return err
	}
	defer silent.Unsubscribe()
	asked := time.Now()
	_, err = nc.Request("silent.go", nil, 500*time.Millisecond)
	if took := time.Since(asked); !errors.Is(err, nats.ErrTimeout) || took < 500*time.Millisecond {
		return fmt.Errorf("a service that does not answer: %v after %s", err, took)
	}
	fmt.Println("timeout: a service that is silent was given up after 0.5 s")

	if _, err = nc.Request("nobody.go", nil, 2*time.Second); !errors.Is(err, nats.ErrNoResponders) {
		return fmt.Errorf("a service that is not there: %v", err)
	}
	fmt.Println("no responders: a service that is not there was told at once")
	return nil
}

// events publishes to the stream, consumes from it, and keeps account of both.
type events struct {
	js        jetstream.JetStream
	consumer  jetstream.Consumer
	consuming jetstream.ConsumeContext
	run       string // makes the ids of this run unlike those of others
	stored    int    // events whose storing was acknowledged
	again     int    // times that one was sent again

	mu       sync.Mutex
	consumed map[string]uint64 // id: its place in the stream
	doubled  int               // ids that are in the stream twice
}

func newEvents(ctx context.Context, nc *nats.Conn) (*events, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	consumer, err := js.CreateOrUpdateConsumer(ctx, stream, jetstream.ConsumerConfig{
		Durable:       durable,
		FilterSubject: "events.go.>",
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       5 * time.Second, // then what was not acknowledged, on a connection that broke, comes again
	})
	if err != nil {
		return nil, err
	}
	e := &events{js: js, consumer: consumer, run: nuid.Next(), consumed: map[string]uint64{}}
	e.consuming, err = consumer.Consume(e.consume)
	return e, err
}

// store returns once a majority of the stream's servers has the event. Sent again under the same id it is stored once.
func (e *events) store(ctx context.Context, id string) (*jetstream.PubAck, error) {
	for {
		try, cancel := context.WithTimeout(ctx, 2*time.Second)
		ack, err := e.js.Publish(try, subject, []byte("created"), jetstream.WithMsgID(id))
		cancel()
		if err == nil || ctx.Err() != nil {
			return ack, err
		}
		e.again++
		time.Sleep(100 * time.Millisecond)
	}
}

func (e *events) storeNext(ctx context.Context) error {
	_, err := e.store(ctx, fmt.Sprintf("%s-%d", e.run, e.stored))
	if err == nil {
		e.stored++
	}
	return err
}

// consume handles one event and acknowledges it. One that comes again, because an acknowledgement was lost, is known.
func (e *events) consume(msg jetstream.Msg) {
	defer msg.Ack()
	id := msg.Headers().Get(jetstream.MsgIDHeader)
	meta, err := msg.Metadata()
	if err != nil || !strings.HasPrefix(id, e.run) {
		return // left by an earlier run
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if at, known := e.consumed[id]; known && at != meta.Sequence.Stream {
		e.doubled++
	}
	e.consumed[id] = meta.Sequence.Stream
}

// balance waits until every event was consumed and acknowledged, and is an error unless each was there once.
func (e *events) balance(ctx context.Context) (string, error) {
	for tries := 0; ; tries++ {
		info, err := e.consumer.Info(ctx)
		settled := err == nil && info.NumPending == 0 && info.NumAckPending == 0
		e.mu.Lock()
		lost, doubled := e.stored-len(e.consumed), e.doubled
		e.mu.Unlock()
		text := fmt.Sprintf("%d stored, %d consumed, %d lost, %d doubled", e.stored, e.stored-lost, lost, doubled)
		if settled && lost == 0 && doubled == 0 {
			return text, nil
		}
		if tries == 150 || ctx.Err() != nil {
			return "", errors.Join(errors.New(text), err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func (e *events) storeTen(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for range 10 {
		if err := e.storeNext(ctx); err != nil {
			return err
		}
	}
	ack, err := e.store(ctx, e.run+"-0") // as a publisher does that did not hear the first acknowledgement
	if err != nil {
		return err
	}
	if !ack.Duplicate {
		return errors.New("an event that was sent twice was stored twice")
	}
	fmt.Printf("stream: 10 events are in %s, one that was sent twice is there once\n", ack.Stream)
	balance, err := e.balance(ctx)
	if err == nil {
		fmt.Println("consume:", balance)
	}
	return err
}

// reconnect publishes and consumes on while the pod we are connected to is replaced. RECONNECT_TIMEOUT says how many
// seconds to wait for that to happen; without it this is left out.
func (e *events) reconnect(ctx context.Context, nc *nats.Conn) error {
	seconds, _ := strconv.Atoi(os.Getenv("RECONNECT_TIMEOUT"))
	if seconds == 0 {
		fmt.Println("reconnect: left out, RECONNECT_TIMEOUT is not set")
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(seconds)*time.Second)
	defer cancel()

	fmt.Printf("waiting: publishing until %s is replaced\n", nc.ConnectedServerName())
	for rest := 50; rest > 0; { // 50 more once it was
		if err := e.storeNext(ctx); err != nil {
			return fmt.Errorf("nothing was replaced within %d s: %w", seconds, err)
		}
		if nc.Stats().Reconnects > 0 {
			rest--
		}
		time.Sleep(50 * time.Millisecond)
	}
	balance, err := e.balance(ctx)
	if err == nil {
		fmt.Printf("reconnect: %s, %d sent again\n", balance, e.again)
	}
	return err
}
