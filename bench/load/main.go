// Copyright (c) 2026, the messaging.nats authors
// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Load keeps publishers, consumers and core requests busy and counts every message: what was lost, doubled,
// sent again, and for how long anybody had to wait. docs/benchmarks.md tells how it is used.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// Exit codes: what must not happen has happened, or it could not be found out.
const (
	exitBad   = 1
	exitError = 2
)

type options struct {
	servers, user, password, ca, cert, key string

	streams          []string
	create, replicas int
	keep             bool

	publishers, consumers, requesters int
	rate, requestRate                 float64
	size                              int
	timeout, duration                 time.Duration

	ready, until, json string
}

func main() {
	os.Exit(run(os.Args[1:]))
}

func run(arguments []string) int {
	o, err := parse(arguments)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return exitError // the flag package has said what is wrong
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	report, err := measure(ctx, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		report = &Report{Error: err.Error()}
	}
	if o.json != "" {
		if err := report.write(o.json); err != nil {
			fmt.Fprintln(os.Stderr, "load:", err)
			return exitError
		}
	}
	fmt.Print(report.Table)
	switch {
	case report.Error != "":
		return exitError
	case report.Lost > 0 || report.Doubled > 0:
		return exitBad
	}
	return 0
}

func parse(arguments []string) (o options, err error) {
	var streams string
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	flags.StringVar(&o.servers, "servers", "", "URLs, separated by commas; else NATS_URL, else nats://127.0.0.1:4222")
	flags.StringVar(&o.user, "user", "", "else NATS_USER")
	flags.StringVar(&o.password, "password", "", "else NATS_PASSWORD, where no list of processes shows it")
	flags.StringVar(&o.ca, "ca", "", "a `file` with the authorities that sign the servers' certificates")
	flags.StringVar(&o.cert, "cert", "", "a `file` with the client's certificate")
	flags.StringVar(&o.key, "key", "", "a `file` with the key of -cert")
	flags.StringVar(&streams, "stream", "", "`names` of streams that are there, separated by commas")
	flags.IntVar(&o.create, "create", 0, "make so `many` streams LOAD_0, LOAD_1, … on load.<i>.>, in files, and remove them at the end")
	flags.IntVar(&o.replicas, "replicas", 3, "of each stream that -create makes")
	flags.BoolVar(&o.keep, "keep", false, "leave the streams that -create has made")
	flags.IntVar(&o.publishers, "publishers", 4, "each with a connection, and with one message at a time")
	flags.IntVar(&o.consumers, "consumers", 2, "clients, each with a connection, that share a durable consumer on each stream")
	flags.IntVar(&o.requesters, "requesters", 1, "clients, each with a connection, that ask two responders")
	flags.Float64Var(&o.rate, "rate", 500, "messages per second of all publishers")
	flags.Float64Var(&o.requestRate, "request-rate", 100, "requests per second of all requesters")
	flags.IntVar(&o.size, "size", 256, "bytes of a message")
	flags.DurationVar(&o.timeout, "timeout", 2*time.Second, "of a publish or request, before it is sent again")
	flags.DurationVar(&o.duration, "duration", 5*time.Minute, "the longest time that it publishes")
	flags.StringVar(&o.ready, "ready", "", "a `file` that is written when all load flows")
	flags.StringVar(&o.until, "until", "", "publish until this `file` appears, or disappears when it is there at the start")
	flags.StringVar(&o.json, "json", "", "a `file` for the report, which appears last")
	if err = flags.Parse(arguments); err != nil {
		return o, err
	}
	o.servers = first(o.servers, os.Getenv("NATS_URL"), "nats://127.0.0.1:4222")
	o.user = first(o.user, os.Getenv("NATS_USER"))
	o.password = first(o.password, os.Getenv("NATS_PASSWORD"))
	if streams != "" {
		o.streams = strings.Split(streams, ",")
	}
	if err = o.check(flags.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
	}
	return o, err
}

func (o options) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("%q is no flag. load -help lists them", rest[0])
	case (len(o.streams) > 0) == (o.create > 0):
		return errors.New("where to publish is not clear. Write either -stream NAME or -create 1")
	case o.publishers < 1 || o.rate <= 0 || o.requestRate <= 0:
		return errors.New("-publishers, -rate and -request-rate have to be more than 0")
	case o.consumers < 0 || o.requesters < 0 || o.timeout <= 0 || o.duration <= 0:
		return errors.New("-consumers, -requesters, -timeout and -duration cannot be negative")
	}
	return nil
}

// first is the first value that is one.
func first[T comparable](values ...T) (found T) {
	for _, value := range values {
		if value != found {
			return value
		}
	}
	return found
}
