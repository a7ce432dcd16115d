// Copyright (c) 2026, the messaging.nats authors
// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Parses configurations as nats-server does. Each line of its input is one, as a JSON string; each line of its output is what the
// server would read, or why it would refuse it.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/conf"
)

type answer struct {
	Data  any    `json:"data,omitempty"`
	Error string `json:"error,omitempty"`
}

func main() {
	in, out := json.NewDecoder(bufio.NewReader(os.Stdin)), json.NewEncoder(os.Stdout)
	for {
		var text string
		if err := in.Decode(&text); err != nil {
			return
		}
		if err := out.Encode(parse(text)); err != nil {
			panic(err)
		}
	}
}

// parse also survives what makes the parser panic, which would be the end of a server.
func parse(text string) (found answer) {
	defer func() {
		if broken := recover(); broken != nil {
			found = answer{Error: fmt.Sprint("panic: ", broken)}
		}
	}()
	data, err := conf.ParseWithChecks(text)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Data: tagged(data)}
}

// tagged puts the type beside each value, because JSON has one kind of number and no dates.
func tagged(value any) any {
	if token, wrapped := value.(interface{ Value() any }); wrapped {
		return tagged(token.Value())
	}
	switch found := value.(type) {
	case map[string]any:
		pairs := make(map[string]any, len(found))
		for key, item := range found {
			pairs[key] = tagged(item)
		}
		return pairs
	case []any:
		items := make([]any, 0, len(found))
		for _, item := range found {
			items = append(items, tagged(item))
		}
		return []any{"list", items}
	case int64:
		return []any{"int", fmt.Sprint(found)}
	case float64:
		return []any{"float", fmt.Sprintf("%x", found)}
	case time.Time:
		return []any{"time", found.Format(time.RFC3339)}
	default:
		return found
	}
}
