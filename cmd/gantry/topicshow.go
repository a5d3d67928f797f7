package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/remoting/wire"
)

type topicShowCommand struct {
	serverFlag
	output
	Topic string `arg:"" help:"Name of the topic."`
}

// topicDetails is all that is known of one topic.
type topicDetails struct {
	Topic       string            `json:"topic"`
	ReadQueues  int32             `json:"read_queues"`
	WriteQueues int32             `json:"write_queues"`
	Perm        int32             `json:"perm"`
	Attributes  map[string]string `json:"attributes"`
	Queues      []queueDetails    `json:"queues"`
}

// queueDetails are the offsets of a queue: what is kept, and where it goes on.
type queueDetails struct {
	Queue int   `json:"queue"`
	First int64 `json:"first"`
	Next  int64 `json:"next"`
}

// Run prints a topic's settings and the offsets of its queues.
func (c *topicShowCommand) Run(ctx context.Context, around *surroundings) error {
	b, settings, err := dialTopic(ctx, c.Server, c.Topic)
	if err != nil {
		return err
	}
	defer b.close()
	topic := topicDetails{
		Topic: settings.Name, ReadQueues: settings.ReadQueues, WriteQueues: settings.WriteQueues,
		Perm: settings.Perm, Attributes: settings.Attributes,
	}
	for num := range int(max(settings.ReadQueues, settings.WriteQueues)) {
		q := queueDetails{Queue: num}
		if q.First, err = b.queueOffset(ctx, wire.GetMinOffset, c.Topic, num); err != nil {
			return err
		}
		if q.Next, err = b.queueOffset(ctx, wire.GetMaxOffset, c.Topic, num); err != nil {
			return err
		}
		topic.Queues = append(topic.Queues, q)
	}
	print := c.printer(around.stdout)
	if err := print.row(&topic, topic.text()); err != nil {
		return err
	}
	return print.end()
}

// text is the topic for people.
func (t *topicDetails) text() string {
	out := &strings.Builder{}
	fmt.Fprintf(out, "topic %s: %d queues to read, %d to write, permission %s\n", t.Topic, t.ReadQueues, t.WriteQueues, permText(t.Perm))
	for _, key := range slices.Sorted(maps.Keys(t.Attributes)) {
		fmt.Fprintf(out, "%s: %s\n", key, attributeText(key, t.Attributes[key]))
	}
	for _, q := range t.Queues {
		fmt.Fprintf(out, "queue %d: first offset %d, next %d\n", q.Queue, q.First, q.Next)
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// permText writes a permission as RocketMQ's tools do: RW-.
func permText(perm int32) string {
	text := []byte("---")
	for i, letter := range "RWX" {
		if perm&(permRead>>i) != 0 {
			text[i] = byte(letter)
		}
	}
	return string(text)
}

// attributeText adds what a number means.
func attributeText(key, value string) string {
	if key != attrRetentionMs {
		return value
	}
	ms, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return value
	}
	if ms == 0 {
		return value + " (for ever)"
	}
	return fmt.Sprintf("%s (%v)", value, time.Duration(ms)*time.Millisecond)
}
