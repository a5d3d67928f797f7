package remoting

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/remoting/wire"
)

// Taking delayed messages back
//
//	370 RECALL_MESSAGE  Java 5.3.2 and later
//
// The handle comes with the answer to the send. Clients read the broker's name out
// of it: it is base64 (URL alphabet) of "v1 topic broker time key", the time being
// when the message is due, in ms, and the key its UNIQ_KEY. The answer has the key
// as msgId. A handle that is none, and one of a message that was delivered or taken
// back already, is answered with 604.
//
// Deviations: upstream refuses recalls unless recallMessageEnable is set, and
// answers with success as soon as the wish is stored; here success means that the
// message will not be delivered.

const (
	handleVersion   = "v1"
	handleSeparator = " "
)

// recallHandle returns the handle of a message that was stored just now.
func (s *sendCall) recallHandle(r *core.SendResult) string {
	text := strings.Join([]string{
		handleVersion, s.topic, s.conn.server.shard.BrokerName, strconv.FormatInt(r.DeliverAt, 10), string(r.UniqueKey),
	}, handleSeparator)
	return base64.URLEncoding.EncodeToString([]byte(text))
}

// recallHandle is a handle taken apart.
type recallHandle struct{ topic, broker, time, key string }

func parseHandle(text string) (h recallHandle, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	parts := strings.Split(string(raw), handleSeparator)
	if err != nil || len(parts) < 5 || parts[0] != handleVersion {
		return h, false
	}
	return recallHandle{topic: parts[1], broker: parts[2], time: parts[3], key: parts[4]}, true
}

func (c *conn) recall(r request) {
	a := wire.NewArgs(c.cmd.Ext)
	topic, text := a.Text("topic"), a.Text("recallHandle")
	if err := a.Err(); err != nil {
		r.fail(err)
		return
	}
	if _, ok := c.server.engine.Topic(topic); !ok {
		r.refuse(wire.TopicNotExist, "recall failed, the topic["+topic+"] not exist")
		return
	}
	h, ok := parseHandle(text)
	at, err := strconv.ParseInt(h.time, 10, 64)
	switch {
	case !ok:
		r.refuse(wire.IllegalOperation, "recall handle is invalid")
	case h.topic != topic:
		r.refuse(wire.IllegalOperation, "recall failed, topic not match")
	case h.broker != c.server.shard.BrokerName:
		r.refuse(wire.IllegalOperation, "recall failed, the handle is of broker "+h.broker)
	case err != nil:
		r.refuse(wire.IllegalOperation, "recall failed, timestamp invalid")
	default:
		c.core().Recall(core.Recall{Topic: topic, DeliverAt: at, UniqueKey: h.key}, func(err error) {
			switch {
			case core.CodeOf(err) == core.MessageNotFound:
				r.refuse(wire.IllegalOperation, "recall failed, "+err.Error())
			case err != nil:
				r.fail(err)
			default:
				r.answer(wire.Success, func(w *wire.Writer) { w.Text("msgId", h.key) }, nil)
			}
		})
	}
}
