// Copyright (c) 2026, the messaging.nats authors
// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A copy that was on its way to the client while the ack of the first was on its way back is no doubling.
const onTheWay = 50 * time.Millisecond

// message is what became of one message.
type message struct {
	acked     bool
	stored    int
	delivered int
	again     int       // delivered as if for the first time, although its ack had been confirmed
	confirmed time.Time // when the server confirmed the consumer's ack
}

// ledger has every message of a run. A message is known by its body: a message id can be lacking where it was doubled.
type ledger struct {
	run string

	mu          sync.Mutex
	messages    [][]message // by publisher and number
	redelivered int
}

func newLedger(run string, publishers int) *ledger {
	return &ledger{run: run, messages: make([][]message, publishers)}
}

// add returns the number of a new message and its id.
func (l *ledger) add(publisher int) (int, string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	number := len(l.messages[publisher])
	l.messages[publisher] = append(l.messages[publisher], message{})
	return number, fmt.Sprintf("%s.%d.%d", l.run, publisher, number)
}

func body(id string, size int) []byte {
	text := []byte(id + " ")
	return append(text, bytes.Repeat([]byte{'.'}, max(0, size-len(text)))...)
}

// find expects the lock, and returns nil for what is not of this run.
func (l *ledger) find(body []byte) *message {
	id, _, _ := bytes.Cut(body, []byte(" "))
	parts := strings.Split(string(id), ".")
	if len(parts) != 3 || parts[0] != l.run {
		return nil
	}
	publisher, err1 := strconv.ParseUint(parts[1], 10, 32)
	number, err2 := strconv.ParseUint(parts[2], 10, 32)
	if err1 != nil || err2 != nil || publisher >= uint64(len(l.messages)) || number >= uint64(len(l.messages[publisher])) {
		return nil
	}
	return &l.messages[publisher][number]
}

func (l *ledger) acked(publisher, number int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.messages[publisher][number].acked = true
}

func (l *ledger) stored(body []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if found := l.find(body); found != nil {
		found.stored++
	}
}

// delivered notes a delivery, which the server calls the first of this message or a later one.
func (l *ledger) delivered(body []byte, isFirst bool, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := l.find(body)
	if found == nil {
		return
	}
	found.delivered++
	switch {
	case isFirst && !found.confirmed.IsZero() && now.Sub(found.confirmed) > onTheWay:
		found.again++
	case !isFirst || found.delivered > 1:
		l.redelivered++
	}
}

func (l *ledger) confirmed(body []byte, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if found := l.find(body); found != nil {
		found.confirmed = now
	}
}

// Verdict is what became of all messages.
type Verdict struct {
	Sent           int `json:"sent"`
	Acked          int `json:"acked"`
	Lost           int `json:"lost"`
	NotStored      int `json:"not_stored"`
	NotDelivered   int `json:"not_delivered"`
	Doubled        int `json:"doubled"`
	StoredTwice    int `json:"stored_twice"`
	DeliveredTwice int `json:"delivered_twice"`
	Redelivered    int `json:"redelivered"`
}

func (l *ledger) judge(consumed bool) Verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	verdict := Verdict{Redelivered: l.redelivered}
	for _, messages := range l.messages {
		for _, message := range messages {
			verdict.count(message, consumed)
		}
	}
	return verdict
}

func (v *Verdict) count(m message, consumed bool) {
	notStored := m.acked && m.stored == 0
	notDelivered := m.acked && consumed && m.delivered == 0
	storedTwice, deliveredTwice := m.stored > 1, m.again > 0
	v.Sent++
	v.Acked += one(m.acked)
	v.NotStored += one(notStored)
	v.NotDelivered += one(notDelivered)
	v.Lost += one(notStored || notDelivered)
	v.StoredTwice += one(storedTwice)
	v.DeliveredTwice += one(deliveredTwice)
	v.Doubled += one(storedTwice || deliveredTwice)
}

// missing is how many acked messages no consumer has had yet.
func (l *ledger) missing() int {
	return l.judge(true).NotDelivered
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}
