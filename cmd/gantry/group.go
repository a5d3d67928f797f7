package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/gantrymq/gantry/remoting/wire"
)

type groupCommands struct {
	List   groupListCommand   `cmd:"" help:"List the consumer groups."`
	Show   groupShowCommand   `cmd:"" help:"Show a group's members, how far it is, and what is in flight."`
	Create groupCreateCommand `cmd:"" help:"Create a consumer group, or change its settings."`
	Delete groupDeleteCommand `cmd:"" help:"Delete a consumer group with its offsets."`
}

// retryPrefix begins the name of the topic that a group's messages are retried from.
const retryPrefix = "%RETRY%"

type groupDeleteCommand struct {
	serverFlag
	Group string `arg:"" help:"Name of the group."`
	Yes   bool   `help:"Do not ask."`
}

// Run deletes the group and the topic of its retries, once whoever sits there has
// said so. Its dead letters stay.
func (c *groupDeleteCommand) Run(ctx context.Context, around *surroundings) error {
	b, err := dial(ctx, c.Server)
	if err != nil {
		return err
	}
	defer b.close()
	live, err := b.members(ctx, c.Group)
	if err != nil {
		return err
	}
	if len(live) > 0 {
		return fail(exitFailed, "group %q has live consumers, which would make it anew: stop %v first", c.Group, live)
	}
	if !c.Yes {
		d := deletion{what: "group", name: c.Group, with: "all its offsets", goes: "The offsets of group " + c.Group + " go for good"}
		if err := d.ask(around); err != nil {
			return err
		}
	}
	if err := b.deleteGroup(ctx, c.Group); err != nil {
		return err
	}
	_, err = fmt.Fprintf(around.stderr, "group %s is deleted\n", c.Group)
	return err
}

// members returns the client ids of a group's live consumers.
func (b *broker) members(ctx context.Context, group string) ([]string, error) {
	a, err := b.call(ctx, wire.GetConsumerListByGroup, map[string]string{"consumerGroup": group}, nil)
	if err != nil || a.code == wire.SystemError { // the latter tells that there is none
		return nil, err
	}
	if a.code != wire.Success {
		return nil, b.refused(fmt.Sprintf("ask for the consumers of group %q", group), a)
	}
	var list struct {
		IDs []string `json:"consumerIdList"`
	}
	if err := json.Unmarshal(a.body, &list); err != nil {
		return nil, fmt.Errorf("consumers of group %q: %s sent no JSON: %w", group, b.addr, err)
	}
	return list.IDs, nil
}

// deleteGroup deletes a group and the topic of its retries. A server that says
// anything beside success says that there was no such group.
func (b *broker) deleteGroup(ctx context.Context, group string) error {
	a, err := b.call(ctx, wire.DeleteGroup, map[string]string{"groupName": group, "cleanOffset": "true"}, nil)
	switch {
	case err != nil:
		return err
	case a.code != wire.Success:
		return b.refused(fmt.Sprintf("delete group %q", group), a)
	case a.remark != "":
		return fail(exitNotFound, "group %q does not exist on %s", group, b.addr)
	}
	return b.deleteTopic(ctx, retryPrefix+group)
}
