package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// setting is a row of a topic's table: what it is made with, and what it must be.
type setting struct {
	name, value string
	// must says what is wrong with a value; nil: any will do.
	must func(value string) string
	// everywhere: every engine of Kafka's protocol knows it.
	everywhere bool
}

func exactly(want string) func(string) string {
	return func(got string) string {
		if got == want {
			return ""
		}
		return "must be " + want
	}
}

func atLeast(want int64) func(string) string {
	return func(got string) string {
		if n, err := strconv.ParseInt(got, 10, 64); err == nil && n >= want {
			return ""
		}
		return fmt.Sprintf("must be at least %d", want)
	}
}

// logSettings are those of the topic of the log: Kafka deletes nothing by itself,
// and acknowledges nothing that one broker alone has.
func logSettings(replication int) []setting {
	inSync := int64(min(2, replication))
	const forever = "9223372036854775807"
	return []setting{
		{"cleanup.policy", "delete", exactly("delete"), true},
		{"retention.ms", "-1", exactly("-1"), true},
		{"retention.bytes", "-1", exactly("-1"), true},
		{"max.message.bytes", strconv.Itoa(topicBytes), atLeast(topicBytes), true},
		{"min.insync.replicas", strconv.FormatInt(inSync, 10), atLeast(inSync), false},
		{"unclean.leader.election.enable", "false", exactly("false"), false},
		{"message.timestamp.type", "CreateTime", nil, false},
		{"message.timestamp.before.max.ms", forever, nil, false},
		{"message.timestamp.after.max.ms", forever, nil, false},
		{"compression.type", "producer", nil, false},
		{"segment.bytes", "268435456", nil, false},
	}
}

// partSettings are those of the topic of parts.
func partSettings(replication int) []setting {
	inSync := int64(min(2, replication))
	return []setting{
		{"cleanup.policy", "compact", exactly("compact"), true},
		{"max.message.bytes", strconv.Itoa(partTopicBytes), atLeast(partTopicBytes), true},
		{"min.insync.replicas", strconv.FormatInt(inSync, 10), atLeast(inSync), false},
		{"unclean.leader.election.enable", "false", exactly("false"), false},
		{"segment.bytes", "67108864", nil, false},
		{"min.cleanable.dirty.ratio", "0.1", nil, false},
		{"max.compaction.lag.ms", "600000", nil, false},
	}
}

// topicCheck makes a topic, or looks whether one that is there will do.
type topicCheck struct {
	client      *kgo.Client
	topic       string
	partitions  int32
	replication int
	settings    []setting
	noCreate    bool
}

// run returns the topic's id.
func (c *topicCheck) run(ctx context.Context) ([16]byte, error) {
	t, err := askTopic(ctx, c.client, c.topic)
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		if c.noCreate {
			return [16]byte{}, fmt.Errorf("topic %s does not exist, and is not to be made", c.topic)
		}
		if err := c.create(ctx); err != nil {
			return [16]byte{}, err
		}
		t, err = c.await(ctx)
	}
	if err != nil {
		return [16]byte{}, fmt.Errorf("topic %s: %w", c.topic, explain(err))
	}
	if n := int32(len(t.Partitions)); n < c.partitions {
		return [16]byte{}, fmt.Errorf("topic %s has %d partitions; this server needs %d", c.topic, n, c.partitions)
	}
	for i := range t.Partitions {
		if p := &t.Partitions[i]; p.Partition < c.partitions && len(p.Replicas) < c.replication {
			return [16]byte{}, fmt.Errorf("topic %s: partition %d has %d replicas; wal.replication is %d", c.topic, p.Partition, len(p.Replicas), c.replication)
		}
	}
	return t.TopicID, c.inspect(ctx)
}

// await waits until a topic that was made is known everywhere.
func (c *topicCheck) await(ctx context.Context) (*kmsg.MetadataResponseTopic, error) {
	for {
		t, err := askTopic(ctx, c.client, c.topic)
		if err == nil && !slices.ContainsFunc(t.Partitions, func(p kmsg.MetadataResponseTopicPartition) bool { return p.Leader < 0 }) {
			return t, nil
		}
		if e := pause(ctx, 5*retryAfter); e != nil {
			return nil, cmp.Or(err, e)
		}
	}
}

// create makes the topic. An engine that does not know all settings is offered
// those that every one knows.
func (c *topicCheck) create(ctx context.Context) error {
	err := c.tryCreate(ctx, false)
	if errors.Is(err, kerr.InvalidConfig) {
		err = c.tryCreate(ctx, true)
	}
	switch {
	case err == nil, errors.Is(err, kerr.TopicAlreadyExists):
		return nil
	case errors.Is(err, kerr.InvalidReplicationFactor):
		return fmt.Errorf("topic %s cannot be made with %d replicas: there are fewer brokers; wal.replication: 1 will do for a trial, and keeps nothing when its broker is lost (%w)", c.topic, c.replication, err)
	}
	return fmt.Errorf("make topic %s: %w", c.topic, explain(err))
}

func (c *topicCheck) tryCreate(ctx context.Context, plain bool) error {
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = c.topic, c.partitions, int16(c.replication)
	for _, s := range c.settings {
		if plain && !s.everywhere {
			continue
		}
		config := kmsg.NewCreateTopicsRequestTopicConfig()
		config.Name, config.Value = s.name, kmsg.StringPtr(s.value)
		t.Configs = append(t.Configs, config)
	}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = 10_000
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, c.client)
	if err != nil {
		return err
	}
	for i := range resp.Topics {
		if err := kerr.ErrorForCode(resp.Topics[i].ErrorCode); err != nil {
			return err
		}
	}
	return nil
}

// inspect refuses a topic that could lose what it acknowledges, and names every
// setting that is wrong.
func (c *topicCheck) inspect(ctx context.Context) error {
	found, err := c.describe(ctx)
	if err != nil {
		return fmt.Errorf("read the settings of topic %s: %w", c.topic, explain(err))
	}
	var wrong []string
	for _, s := range c.settings {
		got, there := found[s.name]
		if !there || s.must == nil {
			continue
		}
		if why := s.must(got); why != "" {
			wrong = append(wrong, fmt.Sprintf("%s is %s and %s", s.name, got, why))
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("topic %s would not keep what it acknowledges: %s", c.topic, strings.Join(wrong, "; "))
	}
	return nil
}

func (c *topicCheck) describe(ctx context.Context) (map[string]string, error) {
	resource := kmsg.NewDescribeConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeTopic, c.topic
	req := kmsg.NewPtrDescribeConfigsRequest()
	req.Resources = append(req.Resources, resource)
	resp, err := req.RequestWith(ctx, c.client)
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for i := range resp.Resources {
		r := &resp.Resources[i]
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			return nil, err
		}
		for _, config := range r.Configs {
			if config.Value != nil {
				found[config.Name] = *config.Value
			}
		}
	}
	return found, nil
}

// askTopic asks a broker what it knows of a topic.
func askTopic(ctx context.Context, client *kgo.Client, topic string) (*kmsg.MetadataResponseTopic, error) {
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = kmsg.StringPtr(topic)
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return nil, err
	}
	if len(resp.Topics) != 1 {
		return nil, fmt.Errorf("a question for topic %s was answered without it", topic)
	}
	rt := &resp.Topics[0]
	return rt, kerr.ErrorForCode(rt.ErrorCode)
}
