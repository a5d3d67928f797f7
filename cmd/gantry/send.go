package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

type sendCommand struct {
	serverFlag
	output
	Topic    string            `arg:"" help:"Topic to send to; created if the server allows it."`
	Bodies   []string          `arg:"" optional:"" name:"body" help:"One message each. Without any: one message per line of stdin."`
	Tag      string            `help:"Tag of the messages."`
	Key      []string          `help:"Key to find the messages by; may be repeated."`
	Property map[string]string `help:"Property of the messages." placeholder:"K=V"`
	Queue    int               `help:"Queue to send to; the server chooses if below 0." default:"-1"`
}

// longestBody is what a line of stdin may have: the server's own limit.
const longestBody = 4 << 20

// Run sends, and prints where each message went.
func (c *sendCommand) Run(ctx context.Context, around *surroundings) error {
	properties, err := c.properties()
	if err != nil {
		return err
	}
	b, err := dial(ctx, c.Server)
	if err != nil {
		return err
	}
	defer b.close()
	print := c.printer(around.stdout)
	for body, err := range c.bodies(around.stdin) {
		if err != nil {
			return err
		}
		at, err := b.send(ctx, outgoing{topic: c.Topic, properties: properties, queue: c.Queue, body: body})
		if err != nil {
			return err
		}
		if err := print.row(at, fmt.Sprintf("%s queue %d offset %d id %s", at.Topic, at.Queue, at.Offset, at.ID)); err != nil {
			return err
		}
	}
	return print.end()
}

// bodies yields the messages in turn.
func (c *sendCommand) bodies(stdin io.Reader) func(yield func([]byte, error) bool) {
	return func(yield func([]byte, error) bool) {
		for _, body := range c.Bodies {
			if !yield([]byte(body), nil) {
				return
			}
		}
		if len(c.Bodies) > 0 {
			return
		}
		lines := bufio.NewScanner(stdin)
		lines.Buffer(nil, longestBody+1)
		for lines.Scan() {
			if !yield(lines.Bytes(), nil) {
				return
			}
		}
		if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
			yield(nil, fmt.Errorf("read stdin: a line is longer than %d bytes, the most a message may have", longestBody))
		} else if err != nil {
			yield(nil, fmt.Errorf("read stdin: %w", err))
		}
	}
}

// The separators of RocketMQ's text form of properties.
const (
	nameEnd  = "\x01"
	valueEnd = "\x02"
)

// properties puts tag, keys and properties into the protocol's text form.
func (c *sendCommand) properties() (string, error) {
	all := maps.Clone(c.Property)
	if all == nil {
		all = make(map[string]string)
	}
	if c.Tag != "" {
		all["TAGS"] = c.Tag
	}
	if len(c.Key) > 0 {
		all["KEYS"] = strings.Join(c.Key, " ")
	}
	out := &strings.Builder{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if name == "" || strings.ContainsAny(name+all[name], nameEnd+valueEnd) {
			return "", fail(exitUsage, "property %q=%q: names must not be empty, and neither may hold the characters 1 and 2", name, all[name])
		}
		out.WriteString(name + nameEnd + all[name] + valueEnd)
	}
	return out.String(), nil
}
