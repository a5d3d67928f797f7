package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/gantrymq/gantry/remoting/wire"
)

type findCommand struct {
	serverFlag
	output
	ID    string `help:"Find the message with this id: the one that send prints (offsetMsgId)." name:"id" placeholder:"ID"`
	Topic string `help:"Find messages of this topic by --key." placeholder:"T"`
	Key   string `help:"A key of the messages (KEYS), or the id that their producer gave them (UNIQ_KEY)." placeholder:"K"`
	Max   int    `help:"At most so many by key, the newest ones." default:"32" placeholder:"N"`
}

// Validate says what is wrong with the flags together; kong asks it.
func (c *findCommand) Validate() error {
	byID, byKey := c.ID != "", c.Topic != "" && c.Key != ""
	if byID == byKey || byID && (c.Topic != "" || c.Key != "") {
		return errors.New("write either --id ID, or --topic T with --key K")
	}
	if c.Max < 1 {
		return fmt.Errorf("--max %d: it is 1 or more", c.Max)
	}
	return nil
}

// Run prints the messages that were found, oldest first.
func (c *findCommand) Run(ctx context.Context, around *surroundings) error {
	b, err := dial(ctx, c.Server)
	if err != nil {
		return err
	}
	defer b.close()
	find := b.byKey
	if c.ID != "" {
		find = b.byID
	}
	found, err := find(ctx, c)
	if err != nil {
		return err
	}
	slices.SortFunc(found, func(a, b incoming) int {
		switch {
		case a.before(&b):
			return -1
		case b.before(&a):
			return 1
		}
		return 0
	})
	print := c.printer(around.stdout)
	for i := range found {
		if err := print.row(&found[i], found[i].text()); err != nil {
			return err
		}
	}
	return print.end()
}

func (b *broker) byID(ctx context.Context, c *findCommand) ([]incoming, error) {
	_, offset, err := wire.ParseMessageID(c.ID)
	if err != nil {
		return nil, fail(exitUsage, "find: %w", err)
	}
	a, err := b.call(ctx, wire.ViewMessageByID, map[string]string{"offset": strconv.FormatInt(offset, 10)}, nil)
	switch {
	case err != nil:
		return nil, err
	case a.code == wire.SystemError:
		return nil, fail(exitNotFound, "no message on %s has the id %s; an id that a producer gave is found with --topic T --key %s", b.addr, c.ID, c.ID)
	case a.code != wire.Success:
		return nil, b.refused(fmt.Sprintf("find message %s", c.ID), a)
	}
	return messages(a.body)
}

func (b *broker) byKey(ctx context.Context, c *findCommand) ([]incoming, error) {
	a, err := b.call(ctx, wire.QueryMessage, map[string]string{
		"topic":          c.Topic,
		"key":            c.Key,
		"maxNum":         strconv.Itoa(c.Max),
		"beginTimestamp": "0",
		"endTimestamp":   strconv.FormatInt(math.MaxInt64, 10),
	}, nil)
	switch {
	case err != nil:
		return nil, err
	case a.code == wire.QueryNotFound:
		return nil, fail(exitNotFound, "topic %q has no message with the key %q on %s", c.Topic, c.Key, b.addr)
	case a.code != wire.Success:
		return nil, b.refused(fmt.Sprintf("find key %q in topic %q", c.Key, c.Topic), a)
	}
	return messages(a.body)
}
