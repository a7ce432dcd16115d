// Copyright (c) 2026, the messaging.nats authors
// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
)

const (
	tick     = 50 * time.Millisecond
	progress = 5 * time.Second
)

// load is everything that runs.
type load struct {
	options
	run     string
	nc      *nats.Conn // for what is asked before and after
	targets []*target
	ledger  *ledger

	publishers []*publisher
	requesters []*requester
	consumers  []*consumer
	stops      []func() // of the consumers

	connections []*nats.Conn // everyone's

	started time.Time
	took    time.Duration
	notes   []string
}

// measure lets the load flow until it shall end, and tells what became of it.
func measure(ctx context.Context, o options) (report *Report, err error) {
	run := nuid.Next()[14:]
	l := &load{options: o, run: run, ledger: newLedger(run, o.publishers)}
	if l.nc, err = connect(o, "control"); err != nil {
		return nil, err
	}
	defer l.close()
	defer l.remove()
	if l.targets, err = prepare(ctx, l.nc, o); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context) error{l.open, l.warm, l.begin, l.consume} {
		if err = step(ctx); err != nil {
			return nil, err
		}
	}
	l.flow(ctx)
	for _, t := range l.targets {
		if err := t.count(context.Background(), l.nc, l.ledger); err != nil {
			return nil, fmt.Errorf("%w. What is stored could not be counted", err)
		}
	}
	return l.report(), nil
}

// open makes the connections of publishers and requesters, and has responders wait.
func (l *load) open(context.Context) error {
	return errors.Join(
		l.each(l.options.publishers, "publisher", func(number int, name string, nc *nats.Conn) error {
			js, err := jetstream.New(nc)
			l.publishers = append(l.publishers, &publisher{newCaller(name, l.timeout), number, nc, js})
			return err
		}),
		l.each(l.options.requesters, "requester", func(_ int, name string, nc *nats.Conn) error {
			l.requesters = append(l.requesters, &requester{newCaller(name, l.timeout), nc})
			return nil
		}),
		l.each(min(2, 2*l.options.requesters), "responder", func(_ int, _ string, nc *nats.Conn) error {
			return respond(nc, l.subject())
		}),
	)
}

func (l *load) each(count int, who string, begin func(number int, name string, nc *nats.Conn) error) error {
	for number := range count {
		name := fmt.Sprintf("%s %d", who, number)
		nc, err := connect(l.options, name)
		if err != nil {
			return err
		}
		l.connections = append(l.connections, nc)
		if err := begin(number, name, nc); err != nil {
			return err
		}
	}
	return nil
}

// warm waits until everyone's server has heard of the streams and responders: that takes a moment when they are new.
func (l *load) warm(ctx context.Context) error {
	for _, p := range l.publishers {
		for _, t := range l.targets {
			if err := eventually(ctx, p.nc, "publishing to stream "+t.name, func(ctx context.Context) error {
				_, err := p.js.Publish(ctx, t.subject(p.number), []byte("warm-up"))
				return err
			}); err != nil {
				return err
			}
		}
	}
	for _, r := range l.requesters {
		if err := eventually(ctx, r.nc, "asking the responders", func(ctx context.Context) error {
			_, err := r.nc.RequestWithContext(ctx, l.subject(), nil)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// begin has the count start behind what is in the streams.
func (l *load) begin(ctx context.Context) error {
	for _, t := range l.targets {
		if err := t.begin(ctx, l.nc); err != nil {
			return err
		}
		if l.options.consumers > 0 {
			if err := t.consume(ctx, l.nc, l.run); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *load) consume(ctx context.Context) error {
	return l.each(l.options.consumers, "consumer", func(_ int, _ string, nc *nats.Conn) error {
		c := &consumer{nc: nc, timeout: l.timeout, ledger: l.ledger}
		l.consumers = append(l.consumers, c)
		stop, err := c.start(ctx, l.targets)
		l.stops = append(l.stops, stop)
		return err
	})
}

func (l *load) subject() string { return "_load." + l.run }

// flow publishes until it shall end, and waits until what was acked is consumed.
func (l *load) flow(ctx context.Context) {
	flow, stop := context.WithTimeout(ctx, l.duration)
	defer stop()
	end, giveUp := context.WithCancel(context.Background())
	defer giveUp()
	l.started = time.Now()
	var running sync.WaitGroup
	for _, p := range l.publishers {
		running.Go(func() { p.run(flow, end, l.options, l.targets, l.ledger) })
	}
	for _, r := range l.requesters {
		running.Go(func() { r.run(flow, end, l.options, l.subject()) })
	}
	l.watch(flow, stop)
	l.took = time.Since(l.started)

	time.AfterFunc(patience, giveUp)
	running.Wait()
	for len(l.consumers) > 0 && end.Err() == nil && l.ledger.missing() > 0 {
		sleep(end, tick)
	}
	for _, stop := range l.stops {
		stop()
	}
}

// watch writes the ready file and the progress, and calls stop when the until file has changed.
func (l *load) watch(flow context.Context, stop func()) {
	atFirst := exists(l.until)
	ready := false
	next := l.started.Add(progress)
	for flow.Err() == nil {
		sleep(flow, tick)
		if l.until != "" && exists(l.until) != atFirst {
			stop()
		}
		if !ready && l.flows() {
			ready = true
			fmt.Fprintf(os.Stderr, "load: all of it flows after %.1f s\n", time.Since(l.started).Seconds())
			l.write(l.ready)
		}
		if time.Now().After(next) {
			next = next.Add(progress)
			l.tell()
		}
	}
}

// flows is whether everyone has had an answer or a message.
func (l *load) flows() bool {
	for _, p := range l.publishers {
		if p.seen().Answered == 0 {
			return false
		}
	}
	for _, r := range l.requesters {
		if r.seen().Answered == 0 {
			return false
		}
	}
	delivered := 0
	for _, c := range l.consumers {
		delivered += c.deliveries().Delivered
	}
	return delivered > 0 || len(l.consumers) == 0
}

func (l *load) tell() {
	var acks, answers Calls
	for _, p := range l.publishers {
		acks.add(p.seen())
	}
	for _, r := range l.requesters {
		answers.add(r.seen())
	}
	waiting := 0
	if len(l.consumers) > 0 {
		waiting = l.ledger.missing()
	}
	fmt.Fprintf(os.Stderr, "load: %.0f s: %d acked, %d retried, longest stall %v; %d to be consumed; %d answered, %d timed out\n",
		time.Since(l.started).Seconds(), acks.Answered, acks.Retried, acks.LongestStall, waiting, answers.Answered, answers.Timeouts)
}

func (l *load) write(path string) {
	if path == "" {
		return
	}
	if err := os.WriteFile(path, []byte(l.run+"\n"), 0o644); err != nil {
		l.note(err)
	}
}

func (l *load) note(err error) {
	l.notes = append(l.notes, err.Error())
	fmt.Fprintln(os.Stderr, "load:", err)
}

func (l *load) remove() {
	for _, t := range l.targets {
		if err := t.remove(context.Background(), l.nc, l.keep); err != nil {
			l.note(err)
		}
	}
}

func (l *load) close() {
	for _, nc := range l.connections {
		nc.Close()
	}
	l.nc.Close()
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
