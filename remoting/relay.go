package remoting

import (
	"fmt"
	"strings"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/remoting/wire"
)

// What tools ask of a client, through the broker
//
//	307 GET_CONSUMER_RUNNING_INFO             its threads, queues and figures
//	309 CONSUME_MESSAGE_DIRECTLY              it is handed one message now
//	223 INVOKE_BROKER_TO_GET_CONSUMER_STATUS  the offsets that each client of a group has
//	                                          (sent to them as 221)
//
// The client's answer is passed on as it comes. 206 where the client is not online,
// 207 where it does not answer within 10 s.

func (c *conn) relay(r request) {
	target, ok := c.relayTarget(r)
	if !ok {
		return
	}
	fields := cloneFields(c.cmd.Ext)
	body := append([]byte(nil), c.cmd.Body...)
	target.pass(r, wire.RequestCode(c.cmd.Code), fields, body)
}

// relayTarget finds the client that a request is for, or answers the request.
func (c *conn) relayTarget(r request) (target peer, ok bool) {
	a := wire.NewArgs(c.cmd.Ext)
	group, id := a.Text("consumerGroup"), a.Text("clientId")
	if err := a.Err(); err != nil {
		r.fail(err)
		return target, false
	}
	target, ok = c.server.peers.find(id)
	if !ok || !target.consumes(group) {
		r.refuse(wire.ConsumerNotOnline, fmt.Sprintf("The Consumer <%s> <%s> not online", group, id))
		return target, false
	}
	return target, true
}

// pass sends a request on to the client, and its answer back.
func (p *peer) pass(r request, code wire.RequestCode, fields wire.Fields, body []byte) {
	p.conn.ask(code, func(w *wire.Writer) {
		for _, f := range fields {
			w.Bytes(string(f.Key), f.Value)
		}
	}, body, func(answer *wire.Command) {
		switch {
		case answer == nil:
			r.refuse(wire.ConsumeMessageTimeout, fmt.Sprintf("consumer <%s> has not answered within %v", p.state.ClientID, askTimeout))
		case answer.Code != int32(wire.Success):
			r.refuse(wire.ResponseCode(answer.Code), answer.Remark)
		default:
			r.answer(wire.Success, nil, answer.Body)
		}
		r.conn.out.flush()
	})
}

func cloneFields(fields wire.Fields) wire.Fields {
	own := make(wire.Fields, len(fields))
	for i, f := range fields {
		own[i] = wire.Field{Key: append([]byte(nil), f.Key...), Value: append([]byte(nil), f.Value...)}
	}
	return own
}

// consumeDirectly adds the message itself to the request.
func (c *conn) consumeDirectly(r request) {
	target, ok := c.relayTarget(r)
	if !ok {
		return
	}
	a := wire.NewArgs(c.cmd.Ext)
	id := a.Text("msgId")
	_, at, err := wire.ParseMessageID(id)
	if a.Err() != nil || err != nil {
		r.refuse(wire.InvalidParameter, fmt.Sprintf("msgId %q is not the id of a place in the log", id))
		return
	}
	fields := cloneFields(c.cmd.Ext)
	c.core().Lookup(core.Address(at), func(records *core.Records, err error) {
		if err != nil {
			r.refuse(wire.SystemError, "can not find message by the offset of "+id)
			return
		}
		body := append([]byte(nil), records.Bytes()...)
		records.Release()
		c.server.goroutines.Go(func() { // the client's socket is not the loop's to write to
			if target.old && wire.NeedsConversion(body) {
				body = wire.ConvertMessages(nil, body)
			}
			target.pass(r, wire.ConsumeMessageDirectly, fields, body)
		})
	})
}

// consumerStatus asks every client of a group, or one, for the offsets it has.
func (c *conn) consumerStatus(r request) {
	args := wire.NewArgs(c.cmd.Ext)
	topic, group, only := args.Text("topic"), args.Text("group"), args.Optional("clientAddr")
	if err := args.Err(); err != nil {
		r.fail(err)
		return
	}
	c.apart(r, func(a *asker) error {
		members, err := a.members(group)
		if err != nil {
			return err
		}
		tables := map[string][]byte{}
		for i := range members {
			id := members[i].ClientID
			target, ok := a.server.peers.find(id)
			if !ok || only != "" && only != id {
				continue
			}
			if table := target.offsets(topic, group); table != nil {
				tables[id] = table
			}
		}
		if len(tables) == 0 {
			r.refuse(wire.ConsumerNotOnline, fmt.Sprintf("No client of group [%s] that is online tells its offsets in topic [%s]", group, topic))
			return nil
		}
		var text []string
		for id, table := range tables {
			text = append(text, string(wire.EncodeBody(id))+":"+string(table))
		}
		r.answer(wire.Success, nil, []byte(`{"consumerTable":{`+strings.Join(sorted(text), ",")+`},"messageQueueTable":{}}`))
		return nil
	})
}

// offsets asks a client for the offsets it has: a table by queue, nil if it does
// not say.
func (p *peer) offsets(topic, group string) []byte {
	answers := make(chan []byte, 1)
	p.conn.ask(wire.GetConsumerStatusFromClient, func(w *wire.Writer) {
		w.Text("topic", topic)
		w.Text("group", group)
	}, nil, func(answer *wire.Command) {
		if answer == nil || answer.Code != int32(wire.Success) {
			answers <- nil
			return
		}
		table, _ := wire.Member(answer.Body, "messageQueueTable")
		answers <- append([]byte(nil), table...)
	})
	if table := <-answers; len(table) > 0 {
		return table
	}
	return nil
}
