package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/gantrymq/gantry/remoting/wire"
)

// topicSettings returns a topic's settings; ok is false if there is no such topic.
func (b *broker) topicSettings(ctx context.Context, topic string) (settings wire.TopicConfig, ok bool, err error) {
	a, err := b.call(ctx, wire.GetTopicConfig, map[string]string{"topic": topic}, nil)
	switch {
	case err != nil:
		return settings, false, err
	case a.code == wire.TopicNotExist:
		return settings, false, nil
	case a.code != wire.Success:
		return settings, false, b.refused(fmt.Sprintf("ask for the settings of topic %q", topic), a)
	}
	if err := json.Unmarshal(a.body, &settings); err != nil {
		return settings, false, fmt.Errorf("settings of topic %q: %s sent no JSON: %w", topic, b.addr, err)
	}
	return settings, true, nil
}

// dialTopic connects to a server that has a topic, and returns the topic's settings.
func dialTopic(ctx context.Context, addr, topic string) (*broker, wire.TopicConfig, error) {
	b, err := dial(ctx, addr)
	if err != nil {
		return nil, wire.TopicConfig{}, err
	}
	settings, exists, err := b.topicSettings(ctx, topic)
	if err == nil && !exists {
		err = fail(exitNotFound, "topic %q does not exist on %s", topic, b.addr)
	}
	if err != nil {
		b.close()
		return nil, wire.TopicConfig{}, err
	}
	return b, settings, nil
}

// putTopic makes a topic or changes its settings; attributes is the protocol's
// list of +key=value and -key.
func (b *broker) putTopic(ctx context.Context, t *wire.TopicConfig, attributes string) error {
	fields := map[string]string{
		"topic":           t.Name,
		"defaultTopic":    autoTopic,
		"readQueueNums":   strconv.Itoa(int(t.ReadQueues)),
		"writeQueueNums":  strconv.Itoa(int(t.WriteQueues)),
		"perm":            strconv.Itoa(int(t.Perm)),
		"topicFilterType": t.FilterType,
		"topicSysFlag":    strconv.Itoa(int(t.SysFlag)),
		"order":           strconv.FormatBool(t.Order),
	}
	if attributes != "" {
		fields["attributes"] = attributes
	}
	a, err := b.call(ctx, wire.UpdateAndCreateTopic, fields, nil)
	if err != nil {
		return err
	}
	if a.code != wire.Success {
		return b.refused(fmt.Sprintf("create topic %q", t.Name), a)
	}
	return nil
}

// deleteTopic deletes a topic as RocketMQ's tools do: at the broker, then at the
// name server.
func (b *broker) deleteTopic(ctx context.Context, topic string) error {
	for _, request := range []wire.RequestCode{wire.DeleteTopicInBroker, wire.DeleteTopicInNameServer} {
		a, err := b.call(ctx, request, map[string]string{"topic": topic}, nil)
		if err != nil {
			return err
		}
		if a.code != wire.Success {
			return b.refused(fmt.Sprintf("delete topic %q", topic), a)
		}
	}
	return nil
}
