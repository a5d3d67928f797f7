package remoting

import (
	"fmt"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/remoting/wire"
)

// Moving a group
//
//	222 INVOKE_BROKER_TO_RESET_OFFSET  to a time, or one queue to an offset
//	314 CLONE_GROUP_OFFSET             to where another group is
//
// A reset is the server's: it holds from now on, whoever is online. The next pull of a
// queue is told 21 and the offset, and until then what clients commit has no effect. So
// 220 RESET_CONSUMER_CLIENT_OFFSET is not sent to anybody.
//
// Deviations: isForce is not looked at, as upstream since 5.2.

// resetTo is what 222 asks for.
type resetTo struct {
	topic, group string
	queue        int32 // below 0: all
	time         int64 // ms since 1970; below 0: the end
	offset       int64 // of one queue; -1: by time
}

func (c *conn) resetOffset(r request) {
	a := wire.NewArgs(c.cmd.Ext)
	to := resetTo{
		topic: a.Text("topic"), group: a.Text("group"), queue: a.Int32Or("queueId", -1),
		time: a.Int64("timestamp"), offset: -1,
	}
	if v, _ := c.cmd.Ext.Get("offset"); len(v) > 0 && to.queue >= 0 {
		to.offset = a.Int64("offset")
	}
	if err := a.Err(); err != nil {
		r.fail(err)
		return
	}
	c.apart(r, func(a *asker) error {
		table, err := a.reset(&to)
		if err != nil {
			return err
		}
		body := wire.AppendQueueTable([]byte(`{"offsetTable":`), table)
		r.answer(wire.Success, nil, append(body, '}'))
		return nil
	})
}

// reset moves the group and returns where to.
func (a *asker) reset(to *resetTo) ([]wire.QueueEntry[int64], error) {
	t, err := a.topic(to.topic)
	if err != nil {
		return nil, err
	}
	if _, ok := a.server.engine.Group(to.group); !ok {
		return nil, core.Errorf(core.GroupNotFound, "Group %s does not exist", to.group)
	}
	queues := a.queueIDs(t)
	if to.queue >= int32(len(queues)) {
		return nil, core.Errorf(core.InvalidQueue, "topic %s has no queue %d: it has %d", to.topic, to.queue, len(queues))
	}
	if to.queue >= 0 {
		queues = queues[to.queue : to.queue+1]
	}
	targets, err := a.resetTargets(to, queues)
	if err != nil {
		return nil, err
	}
	var table []wire.QueueEntry[int64]
	for i := range targets {
		targets[i].Group, targets[i].Reset = to.group, true
		table = append(table, wire.QueueEntry[int64]{
			Queue: a.messageQueue(to.topic, targets[i].Queue.Num), Value: int64(targets[i].Offset),
		})
	}
	return table, a.commit(targets)
}

// resetTargets finds the offsets that a reset moves to.
func (a *asker) resetTargets(to *resetTo, queues []core.Queue) ([]core.CursorOffset, error) {
	query := core.OffsetQuery{Kind: core.OffsetByTime, Time: to.time}
	if to.time < 0 || to.offset >= 0 {
		query.Kind = core.OffsetMax
	}
	queries := make([]core.OffsetQuery, len(queues))
	for i, q := range queues {
		queries[i] = query
		queries[i].Queue = q
	}
	infos, err := a.offsets(queries)
	if err != nil {
		return nil, err
	}
	targets := make([]core.CursorOffset, len(queues))
	for i, q := range queues {
		if infos[i].Err != nil {
			return nil, infos[i].Err
		}
		targets[i] = core.CursorOffset{Queue: q, Offset: infos[i].Offset}
		if to.offset < 0 {
			continue
		}
		if at := core.Offset(to.offset); at < infos[i].Min || at > infos[i].Offset {
			return nil, core.Errorf(core.InvalidOffset, "Target offset %d not in consume queue range [%d-%d]", at, infos[i].Min, infos[i].Offset)
		}
		targets[i].Offset = core.Offset(to.offset)
	}
	return targets, nil
}

func (c *conn) cloneOffsets(r request) {
	args := wire.NewArgs(c.cmd.Ext)
	source, target, topic := args.Text("srcGroup"), args.Text("destGroup"), args.Optional("topic")
	if err := args.Err(); err != nil {
		r.fail(err)
		return
	}
	c.apart(r, func(a *asker) error {
		cursors, err := a.cursors(core.CursorQuery{Group: source, Topic: topic})
		if err != nil {
			return err
		}
		if len(cursors) == 0 {
			r.refuse(wire.SystemError, fmt.Sprintf("the group %s has no offsets to clone", source))
			return nil
		}
		offsets := make([]core.CursorOffset, 0, len(cursors))
		for _, at := range cursors {
			if at.Topic != core.RetryPrefix+source {
				offsets = append(offsets, core.CursorOffset{Group: target, Queue: at.Queue, Offset: at.Offset})
			}
		}
		if err := a.commit(offsets); err != nil {
			return err
		}
		r.answer(wire.Success, nil, nil)
		return nil
	})
}
