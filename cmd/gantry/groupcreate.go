package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/gantrymq/gantry/remoting/wire"
)

type groupCreateCommand struct {
	serverFlag
	Group    string `arg:"" help:"Name of the group."`
	Attempts int    `help:"How often a message is delivered before it goes to the dead letters." default:"17"`
	Order    string `help:"auto: as the topic says; fifo: message groups in order." enum:"auto,fifo" default:"auto"`
	From     string `help:"Where the group begins in a topic." enum:"latest,earliest" default:"latest"`
	Disabled bool   `help:"The group gets nothing."`
}

// Run creates the group, in the words of RocketMQ's tools.
func (c *groupCreateCommand) Run(ctx context.Context, around *surroundings) error {
	if c.Attempts < 1 {
		return fail(exitUsage, "create group %q: %d attempts; it is at least one", c.Group, c.Attempts)
	}
	b, err := dial(ctx, c.Server)
	if err != nil {
		return err
	}
	defer b.close()
	body, err := json.Marshal(map[string]any{
		"groupName": c.Group, "consumeEnable": !c.Disabled, "consumeFromMinEnable": true, "consumeBroadcastEnable": true,
		"consumeMessageOrderly": c.Order == "fifo", "retryQueueNums": 1, "retryMaxTimes": c.Attempts - 1,
		"attributes": map[string]string{"+start": c.From},
		"brokerId":   0, "whichBrokerWhenConsumeSlowly": 1, "notifyConsumerIdsChangedEnable": true,
	})
	if err != nil {
		return err
	}
	a, err := b.call(ctx, wire.UpdateAndCreateGroup, nil, body)
	if err != nil {
		return err
	}
	if a.code != wire.Success {
		return b.refused(fmt.Sprintf("create group %q", c.Group), a)
	}
	_, err = fmt.Fprintf(around.stderr, "group %s is delivered each message at most %d times\n", c.Group, c.Attempts)
	return err
}
