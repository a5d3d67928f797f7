package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/gantrymq/gantry/remoting/wire"
)

// groups returns the settings of all groups by name.
func (b *broker) groups(ctx context.Context) (map[string]wire.GroupConfig, error) {
	var list wire.GroupConfigs
	err := b.body(ctx, "list groups", wire.GetAllGroupConfig, nil, &list)
	return list.Groups, err
}

// groupSettings returns a group's settings; ok is false if there is no such group.
func (b *broker) groupSettings(ctx context.Context, group string) (settings wire.GroupConfig, ok bool, err error) {
	a, err := b.call(ctx, wire.GetGroupConfig, map[string]string{"group": group}, nil)
	switch {
	case err != nil:
		return settings, false, err
	case a.code == wire.SubscriptionGroupNotExist:
		return settings, false, nil
	case a.code != wire.Success:
		return settings, false, b.refused(fmt.Sprintf("ask for the settings of group %q", group), a)
	}
	if err := json.Unmarshal(a.body, &settings); err != nil {
		return settings, false, fmt.Errorf("settings of group %q: %s sent no JSON: %w", group, b.addr, err)
	}
	return settings, true, nil
}

// putGroup makes a group or changes its settings.
func (b *broker) putGroup(ctx context.Context, g *wire.GroupConfig) error {
	a, err := b.call(ctx, wire.UpdateAndCreateGroup, nil, wire.EncodeBody(g))
	if err == nil && a.code != wire.Success {
		err = b.refused(fmt.Sprintf("create group %q", g.Name), a)
	}
	return err
}

// consumers returns the live consumers of a group, none if nobody is there.
func (b *broker) consumers(ctx context.Context, group string) (c wire.ConsumerConnection, err error) {
	a, err := b.call(ctx, wire.GetConsumerConnectionList, map[string]string{"consumerGroup": group}, nil)
	switch {
	case err != nil || a.code == wire.ConsumerNotOnline:
		return c, err
	case a.code != wire.Success:
		return c, b.refused(fmt.Sprintf("ask for the consumers of group %q", group), a)
	}
	if err := json.Unmarshal(a.body, &c); err != nil {
		return c, fmt.Errorf("consumers of group %q: %s sent no JSON: %w", group, b.addr, err)
	}
	return c, nil
}

// progress returns how far a group is, by queue.
func (b *broker) progress(ctx context.Context, group string) ([]wire.QueueEntry[wire.ConsumeOffset], error) {
	a, err := b.call(ctx, wire.GetConsumeStats, map[string]string{"consumerGroup": group}, nil)
	if err != nil {
		return nil, err
	}
	if a.code != wire.Success {
		return nil, b.refused(fmt.Sprintf("ask how far group %q is", group), a)
	}
	table, err := wire.Member(a.body, "offsetTable")
	if err != nil {
		return nil, fmt.Errorf("offsets of group %q: %s sent no JSON: %w", group, b.addr, err)
	}
	return wire.DecodeQueueTable[wire.ConsumeOffset](table)
}

// body asks for something that is answered by a JSON body.
func (b *broker) body(ctx context.Context, doing string, request wire.RequestCode, fields map[string]string, into any) error {
	a, err := b.call(ctx, request, fields, nil)
	if err != nil {
		return err
	}
	if a.code != wire.Success {
		return b.refused(doing, a)
	}
	if err := json.Unmarshal(a.body, into); err != nil {
		return fmt.Errorf("%s: %s sent no JSON: %w", doing, b.addr, err)
	}
	return nil
}
