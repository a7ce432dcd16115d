// Copyright (c) 2026, the messaging.nats authors
// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

func TestVerdictOfOneMessage(t *testing.T) {
	for name, row := range map[string]struct {
		message  message
		consumed bool
		want     Verdict
	}{
		"well":                            {message{acked: true, stored: 1, delivered: 1}, true, Verdict{Sent: 1, Acked: 1}},
		"nobody consumes":                 {message{acked: true, stored: 1}, false, Verdict{Sent: 1, Acked: 1}},
		"no ack is no promise":            {message{}, true, Verdict{Sent: 1}},
		"stored without an ack":           {message{stored: 1, delivered: 1}, true, Verdict{Sent: 1}},
		"acked and gone":                  {message{acked: true, delivered: 1}, true, Verdict{Sent: 1, Acked: 1, Lost: 1, NotStored: 1}},
		"stored and withheld":             {message{acked: true, stored: 1}, true, Verdict{Sent: 1, Acked: 1, Lost: 1, NotDelivered: 1}},
		"gone altogether is lost once":    {message{acked: true}, true, Verdict{Sent: 1, Acked: 1, Lost: 1, NotStored: 1, NotDelivered: 1}},
		"stored twice":                    {message{acked: true, stored: 2, delivered: 1}, true, Verdict{Sent: 1, Acked: 1, Doubled: 1, StoredTwice: 1}},
		"delivered again after its ack":   {message{acked: true, stored: 1, delivered: 2, again: 1}, true, Verdict{Sent: 1, Acked: 1, Doubled: 1, DeliveredTwice: 1}},
		"redelivered is not doubled":      {message{acked: true, stored: 1, delivered: 2}, true, Verdict{Sent: 1, Acked: 1}},
		"doubled both ways counts as one": {message{acked: true, stored: 2, delivered: 2, again: 1}, true, Verdict{Sent: 1, Acked: 1, Doubled: 1, StoredTwice: 1, DeliveredTwice: 1}},
	} {
		var got Verdict
		if got.count(row.message, row.consumed); got != row.want {
			t.Errorf("%s: %+v, not %+v", name, got, row.want)
		}
	}
}

func TestDeliveries(t *testing.T) {
	now := time.Now()
	for name, row := range map[string]struct {
		isFirst            bool
		afterAck           time.Duration // 0: it was not confirmed
		again, redelivered int
	}{
		"marked as a redelivery":          {false, time.Second, 0, 1},
		"the ack has not arrived":         {true, 0, 0, 1},
		"it was on its way":               {true, onTheWay, 0, 1},
		"as if it had not been delivered": {true, time.Second, 1, 0},
	} {
		l := newLedger("r", 1)
		_, id := l.add(0)
		l.delivered(body(id, 0), true, now)
		if row.afterAck > 0 {
			l.confirmed(body(id, 0), now)
		}
		l.delivered(body(id, 0), row.isFirst, now.Add(row.afterAck))
		if again := l.messages[0][0].again; again != row.again || l.redelivered != row.redelivered {
			t.Errorf("%s: again %d, redelivered %d", name, again, l.redelivered)
		}
	}
}

func TestForeignMessagesAreNotCounted(t *testing.T) {
	l := newLedger("r", 1)
	l.add(0)
	for _, text := range []string{"", "r", "r.0", "r.0.1 ", "r.1.0 ", "s.0.0 ", "r.x.0 ", "r.0.-1 ", "r.-1.0 "} {
		if l.find([]byte(text)) != nil {
			t.Errorf("%q is none of ours", text)
		}
	}
	if l.find(body("r.0.0", 100)) == nil {
		t.Error("r.0.0 is ours")
	}
}

func TestCallerCountsTimeoutsInARow(t *testing.T) {
	late, nobody := context.DeadlineExceeded, jetstream.ErrNoStreamResponse
	c := newCaller("publisher 0", time.Second)
	for _, answers := range [][]error{{late, nil}, {late, nil}, {nil}, {nobody, late, nobody, late, nil}} {
		c.call(context.Background(), func(context.Context) error {
			answer := answers[0]
			answers = answers[1:]
			return answer
		})
	}
	got := c.seen()
	if got.Answered != 4 || got.Retried != 3 || got.Timeouts != 4 || got.TimeoutsInARow != 2 || got.Retries["no responders"] != 2 {
		t.Errorf("%+v", got)
	}
	if told := got.Stalls[2].Causes; told != "no responders, timeout, no responders, timeout" {
		t.Error(told)
	}
}

func TestCallerGivesUpWhenItsTimeIsOver(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	c := newCaller("publisher 0", time.Second)
	answered := c.call(ctx, func(context.Context) error {
		cancel()
		return errors.New("no")
	})
	if got := c.seen(); answered || got.Unanswered != 1 || got.Answered != 0 {
		t.Errorf("%+v", got)
	}
}

func TestCausesInOrder(t *testing.T) {
	if got := inOrder([]string{"timeout", "a", "a", "a", "timeout"}); got != "timeout, a ×3, timeout" {
		t.Error(got)
	}
}

func TestSubjectOfAPublisher(t *testing.T) {
	for pattern, want := range map[string]string{"load.0.>": "load.0.publisher-2", "a.*.b.*": "a.publisher-2.b.publisher-2", "big": "big"} {
		if got := (&target{pattern: pattern}).subject(2); got != want {
			t.Errorf("%s: %s", pattern, got)
		}
	}
}
