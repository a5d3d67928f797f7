package remoting

import (
	"bytes"
	"strconv"
	"time"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/record"
	"github.com/gantrymq/gantry/remoting/wire"
)

// Request-reply
//
//	324 SEND_REPLY_MESSAGE, 325 SEND_REPLY_MESSAGE_V2
//	326 PUSH_REPLY_MESSAGE_TO_CLIENT  sent to who asked
//
// A request is an ordinary message with REPLY_TO_CLIENT; the broker adds CLUSTER, from
// which clients make the name of the topic that they send the reply to. The reply is
// pushed to the connection of the client that REPLY_TO_CLIENT names, and answered once
// that has taken it: 1 if it is not there, or does not answer within 10 s.
//
// Deviation: replies are not stored.

const (
	propReplyTo = "REPLY_TO_CLIENT"
	propCluster = "CLUSTER"
)

func (c *conn) reply(r request) {
	s := &c.sending
	if err := s.request.Decode(c.cmd.Ext); err != nil {
		r.fail(err)
		return
	}
	to, ok := wire.Property(s.request.Properties, propReplyTo)
	if !ok {
		r.refuse(wire.SystemError, "reply message properties["+propReplyTo+"] is null")
		return
	}
	target, ok := c.server.peers.find(string(to))
	if !ok {
		r.refuse(wire.SystemError, "push reply message fail, channel of <"+string(to)+"> not found.")
		return
	}
	queue := max(s.request.Queue, 0)
	_, host := c.told()
	target.conn.ask(wire.PushReplyMessageToClient, func(w *wire.Writer) {
		s.request.AppendTo(w)
		w.Text("bornHost", c.remote.String())
		w.Text("storeHost", host.String())
		w.Text("storeTimestamp", strconv.FormatInt(time.Now().UnixMilli(), 10))
	}, c.cmd.Body, func(answer *wire.Command) {
		if answer == nil || answer.Code != int32(wire.Success) {
			r.refuse(wire.SystemError, "push reply message to "+target.state.ClientID+" fail.")
		} else {
			r.replied(queue)
		}
		r.conn.out.flush()
	})
}

func (r *request) replied(queue int32) {
	r.answer(wire.Success, func(w *wire.Writer) {
		w.Text("msgId", "0")
		w.Int("queueId", int64(queue))
		w.Int("queueOffset", 0)
		w.Text("MSG_REGION", region)
		w.Text("TRACE_ON", "true")
	}, nil)
}

// asRequest adds to a message that wants a reply what its receiver needs for it.
func (s *Server) asRequest(m *core.Message) {
	if bytes.Contains(m.Properties, []byte(propReplyTo)) && record.Property(m.Properties, propReplyTo) != nil {
		m.Properties = record.SetProperties(m.Properties, []record.PropertyValue{{Key: propCluster, Value: s.engine.Cluster()}})
	}
}
