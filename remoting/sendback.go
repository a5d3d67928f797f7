package remoting

import (
	"strconv"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/record"
	"github.com/gantrymq/gantry/remoting/wire"
)

// Retries of push and pull consumers
//
//	36 CONSUMER_SEND_MSG_BACK  a message could not be consumed
//
// The message is stored anew in %RETRY%group, with one more reconsumeTimes, or in
// %DLQ%group once it has been retried maxReconsumeTimes times (delayLevel below 0:
// at once). Clients of 3.4.9 and later name the limit, else the group's holds.
// RETRY_TOPIC and ORIGIN_MESSAGE_ID tell where it came from; UNIQ_KEY stays.
//
// Where 36 fails, and where they consume in order, clients send the message to
// %RETRY%group themselves, with its attempts and their limit in the header: what
// is above the limit goes to %DLQ%group. Who holds locks in the group consumes in
// order, retries at its own place, and sends only what is at the limit.
//
// Deviations: a group's retry topic has one queue whatever retryQueueNums says,
// but for 0, which turns retries off.

func (c *conn) sendBack(r request) {
	a := wire.NewArgs(c.cmd.Ext)
	back := core.SendBack{
		Group: a.Text("group"), At: core.Address(a.Int64("offset")), Level: a.Int32("delayLevel"), Retries: -1,
	}
	if c.cmd.Version >= wire.VersionMaxReconsumeTimes {
		back.Retries = a.Int32Or("maxReconsumeTimes", -1)
	}
	if err := a.Err(); err != nil {
		r.fail(err)
		return
	}
	if c.noRetries(back.Group) {
		r.answer(wire.Success, nil, nil)
		return
	}
	client := c.core() // knows the store host
	back.ID = string(wire.AppendMessageID(nil, c.storeHost, int64(back.At)))
	client.SendBack(back, func(err error) {
		switch {
		case core.CodeOf(err) == core.MessageNotFound:
			r.refuse(wire.SystemError, "look message by offset failed, "+strconv.FormatInt(int64(back.At), 10))
		case err != nil:
			r.fail(err)
		default:
			r.answer(wire.Success, nil, nil)
		}
	})
}

// noRetries reports whether a group's retries are turned off.
func (c *conn) noRetries(group string) bool {
	info, ok := c.server.engine.Group(group)
	if !ok {
		return false
	}
	settings := describeGroup(&info.GroupConfig)
	return settings.RetryQueues <= 0
}

// retry prepares a message that a consumer sends to its group's retry topic itself.
func (c *conn) retry(m *core.Message, r *wire.SendRequest, topic *name) {
	group := topic.text[len(core.RetryPrefix):]
	limit := r.MaxReconsumeTimes
	if limit < 0 || c.cmd.Version < wire.VersionMaxReconsumeTimes {
		limit = wire.DefaultRetryMaxTimes
		if info, ok := c.server.engine.Group(group); ok {
			limit = info.Attempts() - 1
		}
	}
	dead := r.ReconsumeTimes > limit || r.ReconsumeTimes == limit && c.ordered[group]
	if dead {
		m.Topic, m.Queue = core.DeadLetterPrefix+group, -1
		m.Properties = record.SetProperties(m.Properties, []record.PropertyValue{{Key: record.PropDelayLevel}})
	}
}
