package remoting

import (
	"strings"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/remoting/wire"
)

// Key-value configuration of the name server
//
//	100 PUT_KV_CONFIG, 101 GET_KV_CONFIG, 102 DELETE_KV_CONFIG
//	219 GET_KVLIST_BY_NAMESPACE
//
// They are settings in core, and so in the log. What is under ORDER_TOPIC_CONFIG is
// told in the route of the topic that the key names: producers of ordered messages
// pin their queues by it.

const (
	kvPrefix       = "kv/"
	orderNamespace = "ORDER_TOPIC_CONFIG"
)

func kvKey(namespace, key string) string { return kvPrefix + namespace + "/" + key }

// orderConf returns what a route says of the queues of an ordered topic.
func (s *Server) orderConf(topic string) string {
	value, _ := s.engine.Setting(kvKey(orderNamespace, topic))
	return value
}

func (c *conn) putKV(r request) {
	a := wire.NewArgs(c.cmd.Ext)
	key, value := kvKey(a.Text("namespace"), a.Text("key")), a.Text("value")
	if err := a.Err(); err != nil {
		r.fail(err)
		return
	}
	c.administer(r, []core.AdminOp{core.PutSetting{Key: key, Value: value}})
}

func (c *conn) deleteKV(r request) {
	a := wire.NewArgs(c.cmd.Ext)
	key := kvKey(a.Text("namespace"), a.Text("key"))
	if err := a.Err(); err != nil {
		r.fail(err)
		return
	}
	c.administer(r, []core.AdminOp{core.PutSetting{Key: key}})
}

func (c *conn) getKV(r request) {
	a := wire.NewArgs(c.cmd.Ext)
	namespace, key := a.Text("namespace"), a.Text("key")
	if err := a.Err(); err != nil {
		r.fail(err)
		return
	}
	value, ok := c.server.engine.Setting(kvKey(namespace, key))
	if !ok {
		r.refuse(wire.QueryNotFound, "No config item, Namespace: "+namespace+" Key: "+key)
		return
	}
	r.answer(wire.Success, func(w *wire.Writer) { w.Text("value", value) }, nil)
}

func (c *conn) listKV(r request) {
	a := wire.NewArgs(c.cmd.Ext)
	namespace := a.Text("namespace")
	if err := a.Err(); err != nil {
		r.fail(err)
		return
	}
	body := wire.KVTable{Table: map[string]string{}}
	prefix := kvKey(namespace, "")
	for _, s := range c.server.engine.Settings(prefix) {
		body.Table[strings.TrimPrefix(s.Key, prefix)] = s.Value
	}
	if len(body.Table) == 0 {
		r.refuse(wire.QueryNotFound, "No config item, Namespace: "+namespace)
		return
	}
	r.answer(wire.Success, nil, wire.EncodeBody(body))
}
