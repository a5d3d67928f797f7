package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/internal/server"
	"github.com/gantrymq/gantry/remoting/wire"
)

// A topic's attributes that say how long its messages are kept.
const (
	attrRetention      = "retention"
	attrRetentionMs    = "retention.ms"
	attrRetentionBytes = "retention.bytes"
)

type topicCreateCommand struct {
	serverFlag
	Topic          string            `arg:"" help:"Name of the topic."`
	Type           string            `help:"Kind of messages it takes: NORMAL, FIFO, DELAY, TRANSACTION or MIXED; new ones: MIXED." placeholder:"KIND"`
	Queues         *int32            `short:"q" help:"Number of queues: 4, or those that the topic has." placeholder:"N"`
	Retention      *time.Duration    `help:"How long its messages are kept, as 24h; 0: for ever. Else the server's retention.age." placeholder:"SPAN"`
	RetentionBytes string            `help:"How much each queue keeps, as 10GiB; 0: any amount. Else the server's retention.bytes." placeholder:"SIZE"`
	Consumed       *bool             `help:"Keep messages until every group that reads their queue has consumed them. Else the server's retention.consumed." negatable:""`
	Attribute      map[string]string `help:"Attribute of the topic; may be repeated." placeholder:"K=V"`
	Without        []string          `help:"Attribute to take away; may be repeated." placeholder:"K"`
}

const (
	usualQueues = 4
	permRead    = 4
	permWrite   = 2
)

// Run creates the topic; what is not said of one that exists stays.
func (c *topicCreateCommand) Run(ctx context.Context, around *surroundings) error {
	attributes, err := c.attributes()
	if err != nil {
		return err
	}
	b, err := dial(ctx, c.Server)
	if err != nil {
		return err
	}
	defer b.close()
	topic, exists, err := b.topicSettings(ctx, c.Topic)
	if err != nil {
		return err
	}
	if !exists {
		topic = wire.TopicConfig{
			Name: c.Topic, ReadQueues: usualQueues, WriteQueues: usualQueues,
			Perm: permRead | permWrite, FilterType: "SINGLE_TAG",
		}
	}
	if c.Queues != nil {
		topic.ReadQueues, topic.WriteQueues = *c.Queues, *c.Queues
	}
	if err := b.putTopic(ctx, &topic, attributes); err != nil {
		return err
	}
	_, err = fmt.Fprintf(around.stderr, "topic %s has %d queues\n", topic.Name, max(topic.ReadQueues, topic.WriteQueues))
	return err
}

// attributes puts what was asked for into the protocol's list.
func (c *topicCreateCommand) attributes() (string, error) {
	if c.Queues != nil && *c.Queues < 1 {
		return "", fail(exitUsage, "create topic %q: %d queues; a topic has at least one", c.Topic, *c.Queues)
	}
	set := maps.Clone(c.Attribute)
	if set == nil {
		set = make(map[string]string)
	}
	if c.Type != "" {
		set[core.AttrKind] = strings.ToUpper(c.Type)
	}
	if c.Retention != nil {
		if *c.Retention < 0 || *c.Retention > 0 && *c.Retention < time.Millisecond {
			return "", fail(exitUsage, "create topic %q: --retention %v; it is a millisecond or more, or 0", c.Topic, *c.Retention)
		}
		set[attrRetentionMs] = strconv.FormatInt(c.Retention.Milliseconds(), 10)
	}
	if c.RetentionBytes != "" {
		n, err := server.ParseSize(c.RetentionBytes)
		if err != nil {
			return "", fail(exitUsage, "create topic %q: --retention-bytes: %w", c.Topic, err)
		}
		set[attrRetentionBytes] = strconv.FormatInt(n, 10)
	}
	if c.Consumed != nil {
		set[attrRetention] = map[bool]string{true: "consumed", false: "time"}[*c.Consumed]
	}
	return c.list(set)
}

// list writes attributes as +key=value and -key.
func (c *topicCreateCommand) list(set map[string]string) (string, error) {
	var list []string
	for _, key := range slices.Sorted(maps.Keys(set)) {
		if key == "" || strings.ContainsAny(key, ",=") || strings.Contains(set[key], ",") {
			return "", fail(exitUsage, "create topic %q: attribute %q=%q: keys must not be empty nor hold , or =, and values no ,", c.Topic, key, set[key])
		}
		list = append(list, "+"+key+"="+set[key])
	}
	for _, key := range c.Without {
		list = append(list, "-"+key)
	}
	return strings.Join(list, ","), nil
}

type topicDeleteCommand struct {
	serverFlag
	Topic string `arg:"" help:"Name of the topic."`
	Yes   bool   `help:"Do not ask."`
}

// Run deletes the topic, once whoever sits there has said so.
func (c *topicDeleteCommand) Run(ctx context.Context, around *surroundings) error {
	b, _, err := dialTopic(ctx, c.Server, c.Topic)
	if err != nil {
		return err
	}
	defer b.close()
	if !c.Yes {
		d := deletion{
			what: "topic", name: c.Topic, with: "all its messages",
			goes: "The messages of topic " + c.Topic + " and the offsets of its groups go for good",
		}
		if err := d.ask(around); err != nil {
			return err
		}
	}
	if err := b.deleteTopic(ctx, c.Topic); err != nil {
		return err
	}
	_, err = fmt.Fprintf(around.stderr, "topic %s is deleted\n", c.Topic)
	return err
}
