// Copyright (c) 2026, the messaging.nats authors
// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Seconds is a duration that is written as seconds.
type Seconds time.Duration

// MarshalJSON rounds to milliseconds.
func (s Seconds) MarshalJSON() ([]byte, error) {
	return json.Marshal(math.Round(time.Duration(s).Seconds()*1000) / 1000)
}

func (s Seconds) String() string { return fmt.Sprintf("%.2f s", time.Duration(s).Seconds()) }

// Report is all that a run has shown. The Verdict's figures and those of all publishers are its own.
type Report struct {
	Error string `json:"error,omitempty"`
	Verdict
	Streams        []string     `json:"streams"`
	Seconds        Seconds      `json:"seconds"`
	AckedPerSecond float64      `json:"acked_per_second"`
	Rate           float64      `json:"rate"` // that was asked for
	Timeout        Seconds      `json:"timeout"`
	WithinTimeout  bool         `json:"within_timeout"` // no stall is longer than the time-out and 0.1 s
	All            Calls        `json:"all"`
	Publishers     []Calls      `json:"publishers"`
	Requests       Calls        `json:"requests"`
	Requesters     []Calls      `json:"requesters"`
	Consumers      []Deliveries `json:"consumers"`
	Reconnects     uint64       `json:"reconnects"` // of all of them but the one that asks for the streams
	Notes          []string     `json:"notes"`
	Table          string       `json:"table"`
}

func (l *load) report() *Report {
	r := &Report{
		Verdict: l.ledger.judge(len(l.consumers) > 0),
		Seconds: Seconds(l.took),
		Rate:    l.rate,
		Timeout: Seconds(l.timeout),
		Notes:   l.notes,
	}
	for _, t := range l.targets {
		r.Streams = append(r.Streams, t.name)
	}
	for _, p := range l.publishers {
		seen := p.seen()
		seen.Reconnects = p.nc.Stats().Reconnects
		r.Publishers = append(r.Publishers, seen)
		r.All.add(seen)
	}
	for _, q := range l.requesters {
		seen := q.seen()
		seen.Reconnects = q.nc.Stats().Reconnects
		r.Requesters = append(r.Requesters, seen)
		r.Requests.add(seen)
	}
	for _, c := range l.consumers {
		r.Consumers = append(r.Consumers, c.deliveries())
	}
	for _, nc := range l.connections {
		r.Reconnects += nc.Stats().Reconnects
	}
	r.AckedPerSecond = math.Round(float64(r.Acked)/l.took.Seconds()*10) / 10
	r.WithinTimeout = r.All.LongestStall <= r.Timeout+Seconds(100*time.Millisecond)
	if r.Acked == 0 {
		r.Error = "no message was acked, so nothing was measured"
	}
	r.Table = r.table()
	return r
}

func (r *Report) table() string {
	var text strings.Builder
	out := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	line := func(cells ...any) {
		for _, cell := range cells {
			fmt.Fprintf(out, "%v\t", cell)
		}
		fmt.Fprintln(out)
	}
	fmt.Fprintf(out, "%s of load on %s\n", r.Seconds, strings.Join(r.Streams, ", "))
	line("lost", r.Lost, fmt.Sprintf("not stored %d, never delivered %d", r.NotStored, r.NotDelivered))
	line("doubled", r.Doubled, fmt.Sprintf("stored twice %d, delivered again after the ack %d", r.StoredTwice, r.DeliveredTwice))
	line("acked", r.Acked, fmt.Sprintf("%.1f per second of %.0f", r.AckedPerSecond, r.Rate))
	line("retried", r.All.Retried, causes(r.All.Retries))
	line("longest stall", r.All.LongestStall, map[bool]string{true: "within", false: "MORE THAN"}[r.WithinTimeout]+fmt.Sprintf(" the time-out of %s + 0.1 s", r.Timeout))
	line("requests", r.Requests.Answered, fmt.Sprintf("timed out %d, longest stall %s", r.Requests.Timeouts, r.Requests.LongestStall))
	line("redelivered", r.Redelivered)
	line("reconnects", r.Reconnects)
	fmt.Fprintln(out)

	line("", "answered", "given up", "retried", "time-outs", "in a row", "longest stall", "longest gap", "reconnects")
	for i, c := range r.Publishers {
		line(fmt.Sprintf("publisher %d", i), c.Answered, c.Unanswered, c.Retried, c.Timeouts, c.TimeoutsInARow, c.LongestStall, c.LongestGap, c.Reconnects)
	}
	for i, c := range r.Requesters {
		line(fmt.Sprintf("requester %d", i), c.Answered, c.Unanswered, c.Retried, c.Timeouts, c.TimeoutsInARow, c.LongestStall, c.LongestGap, c.Reconnects)
	}
	line("", "delivered", "redelivered", "unconfirmed", "longest gap", "reconnects")
	for i, c := range r.Consumers {
		line(fmt.Sprintf("consumer %d", i), c.Delivered, c.Redelivered, c.Unconfirmed, c.LongestGap, c.Reconnects)
	}
	_ = out.Flush()
	aligned := endOfLine.ReplaceAllString(text.String(), "\n")
	text.Reset()
	text.WriteString(aligned)
	for _, stall := range r.slowest(10) {
		fmt.Fprintf(&text, "%s UTC  %s waited %s  %s\n", stall.At, stall.Who, stall.Seconds, stall.Causes)
	}
	for _, note := range r.Notes {
		fmt.Fprintln(&text, "note:", note)
	}
	return text.String()
}

var endOfLine = regexp.MustCompile(` +\n`)

func (r *Report) slowest(most int) []Stall {
	all := slices.Concat(r.All.Stalls, r.Requests.Stalls)
	slices.SortFunc(all, func(a, b Stall) int { return int(b.Seconds - a.Seconds) })
	all = all[:min(most, len(all))]
	slices.SortFunc(all, func(a, b Stall) int { return strings.Compare(a.At, b.At) })
	return all
}

func causes(counts map[string]int) string {
	var found []string
	for _, cause := range slices.Sorted(maps.Keys(counts)) {
		found = append(found, fmt.Sprintf("%s %d", cause, counts[cause]))
	}
	return strings.Join(found, ", ")
}

// write has the file appear as a whole.
func (r *Report) write(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
