package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gantrymq/gantry/remoting/wire"
)

type groupListCommand struct {
	serverFlag
	output
	All bool `help:"Those of RocketMQ's own tools too."`
}

// groupRow is one group in a list.
type groupRow struct {
	Group      string `json:"group"`
	MaxRetries int32  `json:"max_retries"`
	FIFO       bool   `json:"fifo"`
	Disabled   bool   `json:"disabled"`
}

// internalGroups are the groups that every RocketMQ cluster has for its own tools.
var internalGroups = []string{
	toolsGroup, "FILTERSRV_CONSUMER", "SELF_TEST_C_GROUP", "CID_ONS-HTTP-PROXY", "CID_ONSAPI_PULL",
	"CID_ONSAPI_PERMISSION", "CID_ONSAPI_OWNER", "CID_RMQ_SYS_TRANS",
}

// Run lists the groups by name.
func (c *groupListCommand) Run(ctx context.Context, around *surroundings) error {
	b, err := dial(ctx, c.Server)
	if err != nil {
		return err
	}
	defer b.close()
	groups, err := b.groups(ctx)
	if err != nil {
		return err
	}
	print := c.printer(around.stdout)
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		if !c.All && slices.Contains(internalGroups, name) {
			continue
		}
		g := groups[name]
		row := groupRow{Group: name, MaxRetries: g.RetryMaxTimes, FIFO: g.Orderly, Disabled: !g.ConsumeEnable}
		if err := print.row(row, fmt.Sprintf("%-40s %s", name, settingsText(&g))); err != nil {
			return err
		}
	}
	return print.end()
}

// settingsText says in words what is set of a group.
func settingsText(g *wire.GroupConfig) string {
	text := fmt.Sprintf("%d retries", g.RetryMaxTimes)
	if g.Orderly {
		text += ", in order"
	}
	if !g.ConsumeEnable {
		text += ", disabled"
	}
	return text
}

type groupShowCommand struct {
	serverFlag
	output
	Group string `arg:"" help:"Name of the group."`
}

// groupDetails is all that is known of one group.
type groupDetails struct {
	groupRow
	Attributes map[string]string `json:"attributes"`
	Members    []memberDetails   `json:"members"`
	Lag        int64             `json:"lag"` // messages, over all queues
	Queues     []progressDetails `json:"queues"`
}

// memberDetails is one live consumer.
type memberDetails struct {
	Client   string `json:"client"`
	Address  string `json:"address"`
	Language string `json:"language"`
	Version  int32  `json:"version"`
}

// progressDetails is how far the group is in one queue.
type progressDetails struct {
	Topic     string    `json:"topic"`
	Queue     int32     `json:"queue"`
	Committed int64     `json:"committed"`
	Next      int64     `json:"next"`
	Lag       int64     `json:"lag"`
	Consumed  time.Time `json:"consumed"` // when the last message that is consumed was stored; zero: none is
}

// Run prints a group's settings, its live consumers, and how far it is.
func (c *groupShowCommand) Run(ctx context.Context, around *surroundings) error {
	b, err := dial(ctx, c.Server)
	if err != nil {
		return err
	}
	defer b.close()
	details, err := b.groupDetails(ctx, c.Group)
	if err != nil {
		return err
	}
	print := c.printer(around.stdout)
	if err := print.row(details, details.text()); err != nil {
		return err
	}
	return print.end()
}

func (b *broker) groupDetails(ctx context.Context, group string) (*groupDetails, error) {
	settings, exists, err := b.groupSettings(ctx, group)
	if err != nil {
		return nil, err
	}
	if !exists {
		return nil, fail(exitNotFound, "group %q does not exist on %s", group, b.addr)
	}
	d := &groupDetails{
		groupRow:   groupRow{Group: group, MaxRetries: settings.RetryMaxTimes, FIFO: settings.Orderly, Disabled: !settings.ConsumeEnable},
		Attributes: settings.Attributes, Members: []memberDetails{}, Queues: []progressDetails{},
	}
	live, err := b.consumers(ctx, group)
	if err != nil {
		return nil, err
	}
	for _, m := range live.Connections {
		d.Members = append(d.Members, memberDetails{m.ID, m.Addr, m.Language, m.Version})
	}
	table, err := b.progress(ctx, group)
	if err != nil {
		return nil, err
	}
	for _, q := range table {
		p := progressDetails{
			Topic: q.Queue.Topic, Queue: q.Queue.Queue, Committed: q.Value.Consumer, Next: q.Value.Broker,
			Lag: max(q.Value.Broker-q.Value.Consumer, 0),
		}
		if q.Value.Timestamp > 0 {
			p.Consumed = time.UnixMilli(q.Value.Timestamp).UTC()
		}
		d.Lag += p.Lag
		d.Queues = append(d.Queues, p)
	}
	slices.SortFunc(d.Queues, func(a, b progressDetails) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Queue, b.Queue))
	})
	return d, nil
}

// text is the group for people.
func (d *groupDetails) text() string {
	out := &strings.Builder{}
	fmt.Fprintf(out, "group %s: %s; %d messages behind\n", d.Group, settingsText(&wire.GroupConfig{
		RetryMaxTimes: d.MaxRetries, Orderly: d.FIFO, ConsumeEnable: !d.Disabled,
	}), d.Lag)
	for _, key := range slices.Sorted(maps.Keys(d.Attributes)) {
		fmt.Fprintf(out, "%s: %s\n", key, d.Attributes[key])
	}
	for _, m := range d.Members {
		fmt.Fprintf(out, "consumer %s at %s (%s, version %d)\n", m.Client, m.Address, m.Language, m.Version)
	}
	for _, q := range d.Queues {
		fmt.Fprintf(out, "%s queue %d: committed %d of %d, %d behind\n", q.Topic, q.Queue, q.Committed, q.Next, q.Lag)
	}
	return strings.TrimSuffix(out.String(), "\n")
}
