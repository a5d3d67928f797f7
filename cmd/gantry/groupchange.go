package main

import (
	"context"
	"fmt"

	"github.com/gantrymq/gantry/remoting/wire"
)

type groupCreateCommand struct {
	serverFlag
	Group     string            `arg:"" help:"Name of the group."`
	Retries   *int32            `help:"How often a message comes again before it is a dead letter; else 16." placeholder:"N"`
	FIFO      *bool             `name:"fifo" help:"Deliver message groups in order, whatever the topic." negatable:""`
	Disabled  *bool             `help:"Give the group no messages." negatable:""`
	Attribute map[string]string `help:"Attribute of the group; may be repeated." placeholder:"K=V"`
	Without   []string          `help:"Attribute to take away; may be repeated." placeholder:"K"`
}

// Run creates the group; what is not said of one that exists stays.
func (c *groupCreateCommand) Run(ctx context.Context, around *surroundings) error {
	b, err := dial(ctx, c.Server)
	if err != nil {
		return err
	}
	defer b.close()
	g, exists, err := b.groupSettings(ctx, c.Group)
	if err != nil {
		return err
	}
	if !exists {
		g = wire.DefaultGroup()
		g.Name = c.Group
	}
	if err := c.change(&g); err != nil {
		return err
	}
	if err := b.putGroup(ctx, &g); err != nil {
		return err
	}
	_, err = fmt.Fprintf(around.stderr, "group %s: %s\n", g.Name, settingsText(&g))
	return err
}

// change puts what was asked for into the settings.
func (c *groupCreateCommand) change(g *wire.GroupConfig) error {
	if c.Retries != nil {
		if *c.Retries < 0 {
			return fail(exitUsage, "create group %q: %d retries; it is 0 or more", c.Group, *c.Retries)
		}
		g.RetryMaxTimes = *c.Retries
	}
	if c.FIFO != nil {
		g.Orderly = *c.FIFO
	}
	if c.Disabled != nil {
		g.ConsumeEnable = !*c.Disabled
	}
	g.Attributes = map[string]string{} // the protocol takes changes
	for key, value := range c.Attribute {
		g.Attributes["+"+key] = value
	}
	for _, key := range c.Without {
		g.Attributes["-"+key] = ""
	}
	return nil
}
