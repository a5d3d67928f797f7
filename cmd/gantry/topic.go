package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

type topicCommands struct {
	List   topicListCommand   `cmd:"" help:"List the topics."`
	Show   topicShowCommand   `cmd:"" help:"Show a topic's settings and the offsets of its queues."`
	Create topicCreateCommand `cmd:"" help:"Create a topic, or change its settings."`
	Delete topicDeleteCommand `cmd:"" help:"Delete a topic with its messages."`
}

type topicListCommand struct {
	serverFlag
	output
	All bool `help:"Those of the server itself too, and those of groups."`
}

// topicRow is one topic in a list.
type topicRow struct {
	Topic       string `json:"topic"`
	ReadQueues  int    `json:"read_queues"`
	WriteQueues int    `json:"write_queues"`
}

// Run lists the topics by name, with their queues over all brokers.
func (c *topicListCommand) Run(ctx context.Context, around *surroundings) error {
	b, err := dial(ctx, c.Server)
	if err != nil {
		return err
	}
	defer b.close()
	names, err := b.topics(ctx)
	if err != nil {
		return err
	}
	slices.Sort(names)
	print := c.printer(around.stdout)
	for _, name := range names {
		r, err := b.route(ctx, name)
		if exitCode(err) == exitNotFound {
			continue // deleted since, or without queues
		}
		if err != nil {
			return err
		}
		if !c.All && internal(name, r) {
			continue
		}
		row := topicRow{Topic: name}
		for _, q := range r.Queues {
			row.ReadQueues += q.Read
			row.WriteQueues += q.Write
		}
		if err := print.row(row, fmt.Sprintf("%-40s %d queues", name, max(row.ReadQueues, row.WriteQueues))); err != nil {
			return err
		}
	}
	return print.end()
}

// internalTopics are topics that every RocketMQ cluster has for itself.
var internalTopics = []string{
	autoTopic, "SELF_TEST_TOPIC", "BenchmarkTest", "OFFSET_MOVED_EVENT", "SCHEDULE_TOPIC_XXXX", "TRANS_CHECK_MAX_TIME_TOPIC",
}

// internalPrefixes begin the names of others, and of the topics of groups.
var internalPrefixes = []string{"RMQ_SYS_", "rmq_sys_", "%RETRY%", "%DLQ%"}

// internal reports whether a topic is the server's own: by its name, or because
// it is called as the cluster or a broker.
func internal(name string, r route) bool {
	if slices.Contains(internalTopics, name) {
		return true
	}
	for _, prefix := range internalPrefixes {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	for _, b := range r.Brokers {
		if name == b.Cluster || name == b.Name || name == b.Cluster+"_REPLY_TOPIC" {
			return true
		}
	}
	return false
}
