// Copyright (c) 2026, the messaging.nats authors
// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
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
	responders []*nats.Conn

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
	if l.targets, err = prepare(ctx, l.nc, o, run); err != nil {
		return nil, err
	}
	if err = l.open(ctx); err != nil {
		return nil, err
	}
	l.flow(ctx)
	for _, t := range l.targets {
		if err := t.count(context.Background(), l.nc, l.ledger); err != nil {
			return nil, fmt.Errorf("%w. What is stored could not be counted", err)
		}
	}
	return l.report(), nil
}

// open makes everyone's connection, and has the consumers wait.
func (l *load) open(ctx context.Context) error {
	for i := range l.options.publishers {
		name := fmt.Sprintf("publisher %d", i)
		nc, err := connect(l.options, name)
		if err != nil {
			return err
		}
		l.publishers = append(l.publishers, &publisher{newCaller(name, l.timeout), i, nc})
	}
	for i := range l.options.requesters {
		name := fmt.Sprintf("requester %d", i)
		nc, err := connect(l.options, name)
		if err != nil {
			return err
		}
		l.requesters = append(l.requesters, &requester{newCaller(name, l.timeout), nc})
	}
	for i := range min(2, 2*l.options.requesters) {
		nc, err := connect(l.options, fmt.Sprintf("responder %d", i))
		if err != nil {
			return err
		}
		l.responders = append(l.responders, nc)
		if err := respond(nc, l.subject()); err != nil {
			return err
		}
	}
	for i := range l.options.consumers {
		nc, err := connect(l.options, fmt.Sprintf("consumer %d", i))
		if err != nil {
			return err
		}
		c := &consumer{nc: nc, timeout: l.timeout, ledger: l.ledger}
		l.consumers = append(l.consumers, c)
		stop, err := c.start(ctx, l.targets)
		if err != nil {
			return err
		}
		l.stops = append(l.stops, stop)
	}
	return nil
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
		running.Go(func() { _ = p.run(flow, end, l.options, l.targets, l.ledger) })
	}
	for _, r := range l.requesters {
		running.Go(func() { _ = r.run(flow, end, l.options, l.subject()) })
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
	for _, nc := range l.responders {
		nc.Close()
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
	fmt.Fprintf(os.Stderr, "load: %.0f s: %d acked, %d retried, longest stall %.2f s; %d not yet consumed; %d answered, %d timed out\n",
		time.Since(l.started).Seconds(), acks.Answered, acks.Retried, time.Duration(acks.LongestStall).Seconds(),
		l.ledger.missing(), answers.Answered, answers.Timeouts)
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
	for _, p := range l.publishers {
		p.nc.Close()
	}
	for _, r := range l.requesters {
		r.nc.Close()
	}
	for _, c := range l.consumers {
		c.nc.Close()
	}
	for _, nc := range l.responders {
		nc.Close()
	}
	l.nc.Close()
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
