// Copyright (c) 2026, the messaging.nats authors
// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	retryPause   = 20 * time.Millisecond // after an answer that says no; a time-out has waited already
	worthTelling = 250 * time.Millisecond
)

// Calls is what a caller has seen: a publisher, whose answers are acks, or a requester.
type Calls struct {
	Answered       int            `json:"answered"`
	Unanswered     int            `json:"unanswered"` // given up at the end
	Retried        int            `json:"retried"`    // messages, however often they were sent
	Retries        map[string]int `json:"retries"`    // by cause
	Timeouts       int            `json:"timeouts"`
	TimeoutsInARow int            `json:"timeouts_in_a_row"` // with no answer between
	LongestStall   Seconds        `json:"longest_stall"`     // from the first try of a message to its answer
	LongestGap     Seconds        `json:"longest_gap"`       // between two answers
	Reconnects     uint64         `json:"reconnects"`
	Stalls         []Stall        `json:"stalls"`
}

// Stall is a message that had to wait.
type Stall struct {
	Who     string  `json:"who"`
	At      string  `json:"at"` // UTC
	Seconds Seconds `json:"seconds"`
	Causes  string  `json:"causes"`
}

// caller sends one message at a time, and sends it again until it is answered.
type caller struct {
	name    string
	timeout time.Duration

	mu    sync.Mutex
	calls Calls
	row   int
	last  time.Time // of an answer
}

func newCaller(name string, timeout time.Duration) *caller {
	return &caller{name: name, timeout: timeout, calls: Calls{Retries: map[string]int{}}}
}

// call returns whether there was an answer before ctx ended.
func (c *caller) call(ctx context.Context, send func(context.Context) error) bool {
	start := time.Now()
	var causes []string
	for {
		try, cancel := context.WithTimeout(ctx, c.timeout)
		err := send(try)
		cancel()
		if err == nil || ctx.Err() != nil {
			c.done(start, causes, err == nil)
			return err == nil
		}
		causes = append(causes, c.failed(err))
		if causes[len(causes)-1] != "timeout" {
			sleep(ctx, retryPause)
		}
	}
}

func (c *caller) failed(err error) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	cause := causeOf(err)
	c.calls.Retries[cause]++
	if cause == "timeout" {
		c.calls.Timeouts++
		c.row++
		c.calls.TimeoutsInARow = max(c.calls.TimeoutsInARow, c.row)
	}
	return cause
}

func (c *caller) done(start time.Time, causes []string, answered bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	stall := Seconds(now.Sub(start))
	c.calls.LongestStall = max(c.calls.LongestStall, stall)
	if len(causes) > 0 {
		c.calls.Retried++
	}
	if len(causes) > 0 || stall >= Seconds(worthTelling) {
		c.calls.Stalls = append(c.calls.Stalls, Stall{c.name, start.UTC().Format("15:04:05.000"), stall, inOrder(causes)})
	}
	if !c.last.IsZero() {
		c.calls.LongestGap = max(c.calls.LongestGap, Seconds(now.Sub(c.last)))
	}
	if !answered {
		c.calls.Unanswered++
		return
	}
	c.calls.Answered++
	c.row, c.last = 0, now
}

func (c *caller) seen() Calls {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := c.calls
	seen.Retries = maps.Clone(seen.Retries)
	return seen
}

func (c *Calls) add(other Calls) {
	c.Answered += other.Answered
	c.Unanswered += other.Unanswered
	c.Retried += other.Retried
	c.Timeouts += other.Timeouts
	c.Reconnects += other.Reconnects
	c.TimeoutsInARow = max(c.TimeoutsInARow, other.TimeoutsInARow)
	c.LongestStall = max(c.LongestStall, other.LongestStall)
	c.LongestGap = max(c.LongestGap, other.LongestGap)
	c.Stalls = append(c.Stalls, other.Stalls...)
	if c.Retries == nil {
		c.Retries = map[string]int{}
	}
	for cause, count := range other.Retries {
		c.Retries[cause] += count
	}
}

func causeOf(err error) string {
	var refusal *jetstream.APIError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout):
		return "timeout"
	case errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, nats.ErrNoResponders):
		return "no responders"
	case errors.As(err, &refusal):
		return fmt.Sprintf("refused: %d", refusal.ErrorCode)
	case errors.Is(err, nats.ErrDisconnected), errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, nats.ErrConnectionReconnecting):
		return "disconnected"
	}
	return err.Error()
}

// inOrder writes causes in a row once, with their number.
func inOrder(causes []string) string {
	var found []string
	for start := 0; start < len(causes); {
		end := start + 1
		for end < len(causes) && causes[end] == causes[start] {
			end++
		}
		text := causes[start]
		if end > start+1 {
			text += fmt.Sprintf(" ×%d", end-start)
		}
		found, start = append(found, text), end
	}
	return strings.Join(found, ", ")
}

func sleep(ctx context.Context, pause time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(pause):
	}
}
