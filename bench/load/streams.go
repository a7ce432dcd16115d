// Copyright (c) 2026, the messaging.nats authors
// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	patience  = 30 * time.Second // for what is asked before and after the load
	oneAnswer = 5 * time.Second
)

// target is a stream that is published to.
type target struct {
	name, pattern string
	durable       string
	read          uint64 // the last sequence that was counted, or that was there before
	made          bool
}

// subject is one that the stream takes, of a publisher's own.
func (t *target) subject(publisher int) string {
	tokens := strings.Split(t.pattern, ".")
	for i, token := range tokens {
		if token == "*" || token == ">" {
			tokens[i] = fmt.Sprintf("publisher-%d", publisher)
		}
	}
	return strings.Join(tokens, ".")
}

// prepare returns the streams to publish to.
func prepare(ctx context.Context, nc *nats.Conn, o options) (targets []*target, err error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	for i := range o.create {
		made, err := create(ctx, nc, js, i, o.replicas)
		if made != nil {
			targets = append(targets, made)
		}
		if err != nil {
			return targets, err
		}
	}
	for _, name := range o.streams {
		found, err := find(ctx, nc, js, name)
		if err != nil {
			return targets, err
		}
		targets = append(targets, found)
	}
	return targets, nil
}

func create(ctx context.Context, nc *nats.Conn, js jetstream.JetStream, number, replicas int) (*target, error) {
	name, pattern := fmt.Sprintf("LOAD_%d", number), fmt.Sprintf("load.%d.>", number)
	var there bool
	err := eventually(ctx, nc, "asking for stream "+name, func(ctx context.Context) error {
		_, err := js.Stream(ctx, name)
		there = err == nil
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if there {
		return nil, fmt.Errorf("stream %s is there already. Write -stream %s to publish to it", name, name)
	}
	err = eventually(ctx, nc, "creating stream "+name, func(ctx context.Context) error {
		_, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: name, Subjects: []string{pattern}, Replicas: replicas, Storage: jetstream.FileStorage})
		return err
	})
	return &target{name: name, pattern: pattern, made: true}, err
}

func find(ctx context.Context, nc *nats.Conn, js jetstream.JetStream, name string) (*target, error) {
	var info *jetstream.StreamInfo
	err := eventually(ctx, nc, "asking for stream "+name, func(ctx context.Context) error {
		stream, err := js.Stream(ctx, name)
		if err == nil {
			info = stream.CachedInfo()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	switch config := info.Config; {
	case len(config.Subjects) == 0:
		return nil, fmt.Errorf("stream %s has no subjects, so nothing can be published to it. Name another", name)
	case config.Retention != jetstream.LimitsPolicy || config.MaxMsgsPerSubject > 0:
		return nil, fmt.Errorf("stream %s forgets messages by design (retention %s, max_msgs_per_subject %d), so a lost one would not be seen. Name another",
			name, config.Retention, config.MaxMsgsPerSubject)
	}
	return &target{name: name, pattern: info.Config.Subjects[0]}, nil
}

// begin has this run start after what the stream holds.
func (t *target) begin(ctx context.Context, nc *nats.Conn) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	return eventually(ctx, nc, "asking for stream "+t.name, func(ctx context.Context) error {
		stream, err := js.Stream(ctx, t.name)
		if err == nil {
			t.read = stream.CachedInfo().State.LastSeq
		}
		return err
	})
}

// consume makes the durable consumer.
func (t *target) consume(ctx context.Context, nc *nats.Conn, run string) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	t.durable = "load-" + run
	return eventually(ctx, nc, "creating a consumer of stream "+t.name, func(ctx context.Context) error {
		_, err := js.CreateOrUpdateConsumer(ctx, t.name, jetstream.ConsumerConfig{
			Durable:           t.durable,
			DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
			OptStartSeq:       t.read + 1,
			AckPolicy:         jetstream.AckExplicitPolicy,
			AckWait:           5 * time.Second,
			InactiveThreshold: patience * 10, // should this program not come to its end
		})
		return err
	})
}

// count has every message that the stream has stored since the start counted once.
func (t *target) count(ctx context.Context, nc *nats.Conn, l *ledger) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	return eventually(ctx, nc, "reading stream "+t.name, func(ctx context.Context) error {
		return t.readOn(ctx, js, l)
	})
}

// readOn goes on after what was read before; ctx is for the questions, not for all of the messages.
func (t *target) readOn(ctx context.Context, js jetstream.JetStream, l *ledger) error {
	stream, err := js.Stream(ctx, t.name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil // nothing is stored
	}
	if err != nil {
		return err
	}
	state := stream.CachedInfo().State
	if state.Msgs == 0 || state.LastSeq <= t.read {
		return nil
	}
	reader, err := js.OrderedConsumer(ctx, t.name, jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: t.read + 1})
	if err != nil {
		return err
	}
	messages, err := reader.Messages()
	if err != nil {
		return err
	}
	defer func() {
		messages.Stop()
		ctx, cancel := context.WithTimeout(context.Background(), oneAnswer)
		defer cancel()
		_ = js.DeleteConsumer(ctx, t.name, reader.CachedInfo().Name) // else it stays for minutes
	}()
	for {
		message, err := messages.Next(jetstream.NextMaxWait(oneAnswer))
		if err != nil {
			return err
		}
		about, err := message.Metadata()
		if err != nil {
			return err
		}
		if about.Sequence.Stream > t.read {
			l.stored(message.Data())
			t.read = about.Sequence.Stream
		}
		if t.read >= state.LastSeq || about.NumPending == 0 {
			return nil
		}
	}
}

// remove takes away what prepare has made.
func (t *target) remove(ctx context.Context, nc *nats.Conn, keep bool) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	if t.made && !keep {
		return eventually(ctx, nc, "removing stream "+t.name, func(ctx context.Context) error {
			return unless(js.DeleteStream(ctx, t.name), jetstream.ErrStreamNotFound)
		})
	}
	if t.durable == "" {
		return nil
	}
	return eventually(ctx, nc, "removing the consumer of stream "+t.name, func(ctx context.Context) error {
		return unless(js.DeleteConsumer(ctx, t.name, t.durable), jetstream.ErrConsumerNotFound, jetstream.ErrStreamNotFound)
	})
}

func unless(err error, harmless ...error) error {
	for _, one := range harmless {
		if errors.Is(err, one) {
			return nil
		}
	}
	return err
}

// eventually asks until there is an answer: a cluster under change has moments without one.
func eventually(ctx context.Context, nc *nats.Conn, what string, ask func(context.Context) error) error {
	end := time.Now().Add(patience)
	for {
		try, cancel := context.WithTimeout(ctx, oneAnswer)
		err := ask(try)
		cancel()
		if err == nil {
			return nil
		}
		var refusal *jetstream.APIError
		refused := errors.As(err, &refusal) && refusal.Code != 503
		if last := nc.LastError(); !nc.IsConnected() {
			err = fmt.Errorf("no server accepts a connection (%w). Check -servers, -user and the password", first(last, err))
			refused = errors.Is(last, nats.ErrAuthorization)
		}
		if refused || ctx.Err() != nil || time.Now().After(end) {
			return fmt.Errorf("%s: %w", what, err)
		}
		sleep(ctx, retryPause*10)
	}
}
