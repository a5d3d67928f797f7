package remoting

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/remoting/wire"
)

func (c *caller) commit(group, topic string, offset int64) {
	c.t.Helper()
	c.call(wire.Success, wire.NewRequest(wire.UpdateConsumerOffset, "consumerGroup", group, "topic", topic, "queueId", "0",
		"commitOffset", strconv.FormatInt(offset, 10)))
}

func queryOffset(group, topic string) *wire.Command {
	return wire.NewRequest(wire.QueryConsumerOffset, "consumerGroup", group, "topic", topic, "queueId", "0", "setZeroIfNotFound", "false")
}

func TestDeleteGroup(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		for range 3 {
			c.send("orders", 0, "m")
		}
		for _, clean := range []string{"true", "false"} {
			c.commit("gone", "orders", 2)
			c.commit("stays", "orders", 3)
			resp := c.call(wire.Success, wire.NewRequest(wire.DeleteGroup, "groupName", "gone", "cleanOffset", clean))
			if resp.Remark != "" {
				t.Errorf("remark %q", resp.Remark)
			}
			c.call(wire.QueryNotFound, queryOffset("gone", "orders"))
			if got := number(t, c.call(wire.Success, queryOffset("stays", "orders")), "offset"); got != 3 {
				t.Errorf("the other group's offset is %d", got)
			}
		}
		// Clients of before 4.9 do not send cleanOffset, and tools delete what may be gone.
		resp := c.call(wire.Success, wire.NewRequest(wire.DeleteGroup, "groupName", "gone"))
		if resp.Remark != "there was no group gone" {
			t.Errorf("remark %q", resp.Remark)
		}
		c.call(wire.SystemError, wire.NewRequest(wire.DeleteGroup))
	})
}

// TestADeletedGroupFreesTheLog: messages that stay until they are consumed wait for
// a group that is gone, until it is deleted.
func TestADeletedGroupFreesTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, served: make(chan error, 1), config: core.Config{
			SegmentBytes: 64 << 10, SnapshotBytes: 32 << 10,
			Retention: core.Retention{Age: time.Hour, Consumed: true},
		}}
		r.start(Config{})
		defer r.stop()
		c := r.dial()
		c.send("orders", 0, "first")
		c.commit("gone", "orders", 1)
		c.commit("alive", "orders", 1)
		for range 40 {
			c.send("orders", 0, strings.Repeat("x", 10_000))
			time.Sleep(time.Second)
		}
		c.commit("alive", "orders", 41)
		time.Sleep(2 * time.Hour)
		if kept := r.engine.Kept(); kept.Stays != "unconsumed" || len(kept.Groups) != 1 || kept.Groups[0].Group != "gone" {
			t.Errorf("after two hours: %+v", kept)
		}
		if n := r.engine.Stats().Forgotten; n != 0 {
			t.Errorf("%d segments were forgotten that a group has not consumed", n)
		}
		c = r.dial() // the other connection was idle for too long
		c.call(wire.Success, wire.NewRequest(wire.DeleteGroup, "groupName", "gone", "cleanOffset", "true"))
		time.Sleep(time.Second)
		if n := r.engine.Stats().Forgotten; n < 3 {
			t.Errorf("the group is deleted, and %d segments were forgotten", n)
		}
		if got := number(t, c.call(wire.Success, wire.NewRequest(wire.GetMinOffset, "topic", "orders", "queueId", "0")), "offset"); got < 10 {
			t.Errorf("the queue begins at %d", got)
		}
	})
}
