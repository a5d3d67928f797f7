package remoting

import (
	"maps"
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/remoting/wire"
)

// Topics
//
//	 17 UPDATE_AND_CREATE_TOPIC  makes a topic or changes its settings; 18 several
//	215 DELETE_TOPIC_IN_BROKER   with its messages and all groups' offsets in it
//	216 DELETE_TOPIC_IN_NAMESRV  tools send it after 215; done with that. 217 likewise
//	351 GET_TOPIC_CONFIG         17 where there is none
//	 21 GET_ALL_TOPIC_CONFIG
//
// attributes is a list like "+message.type=FIFO,-cleanup.policy"; what is set is
// kept and returned; retention, retention.ms and retention.bytes set how long the
// topic's messages are kept. Changing or deleting a system topic is refused with
// 29 and 16. A topic made anew goes on with the offsets of the deleted one.
//
// Deviations: topicFilterType is always SINGLE_TAG. 21 returns all topics at once.

const filterSingleTag = "SINGLE_TAG"

func (c *conn) putTopic(r request) {
	config, err := c.requestedTopic()
	if err != nil {
		r.fail(err)
		return
	}
	c.administer(r, []core.AdminOp{core.PutTopic{Config: config}})
}

func (c *conn) putTopicList(r request) {
	var list wire.TopicConfigList
	if err := wire.DecodeBody("topic settings", c.cmd.Body, &list); err != nil {
		r.refuse(wire.InvalidParameter, err.Error())
		return
	}
	acts := make([]core.AdminOp, 0, len(list.Topics))
	for i := range list.Topics {
		t := &list.Topics[i]
		config := core.TopicConfig{
			Name: t.Name, ReadQueues: t.ReadQueues, WriteQueues: t.WriteQueues, SysFlag: t.SysFlag, Order: t.Order,
		}
		changes := make([]string, 0, len(t.Attributes))
		for key, value := range t.Attributes {
			changes = append(changes, attributeChange(key, value))
		}
		if err := c.completeTopic(&config, t.Perm, strings.Join(changes, ",")); err != nil {
			r.fail(err)
			return
		}
		acts = append(acts, core.PutTopic{Config: config})
	}
	c.administer(r, acts)
}

// attributeChange writes an attribute of a list's topic as 17 has it: tools send
// it with + or -, or plain.
func attributeChange(key, value string) string {
	switch {
	case strings.HasPrefix(key, "-"):
		return key
	case strings.HasPrefix(key, "+"):
		return key + "=" + value
	}
	return "+" + key + "=" + value
}

func (c *conn) requestedTopic() (core.TopicConfig, error) {
	a := wire.NewArgs(c.cmd.Ext)
	config := core.TopicConfig{
		Name: a.Text("topic"), ReadQueues: a.Int32("readQueueNums"), WriteQueues: a.Int32("writeQueueNums"),
		SysFlag: a.Int32Or("topicSysFlag", 0), Order: a.Bool("order"),
	}
	perm := a.Int32("perm")
	if err := a.Err(); err != nil {
		return config, err
	}
	err := c.completeTopic(&config, perm, a.Optional("attributes"))
	return config, err
}

// completeTopic adds to a topic's settings what depends on what it is now, and
// checks that a client may change it.
func (c *conn) completeTopic(config *core.TopicConfig, perm int32, changes string) error {
	if perm < 0 || perm > int32(core.PermInherit|core.PermRead|core.PermWrite) {
		return core.Errorf(core.InvalidTopic, "topic %s: permission %d is not a sum of 1, 2 and 4", config.Name, perm)
	}
	config.Perm = core.Perm(perm)
	old, exists := c.server.engine.Topic(config.Name)
	if exists && old.System {
		return core.Errorf(core.InvalidTopic, "The topic[%s] is conflict with system topic.", config.Name)
	}
	config.Attributes = map[string]string{}
	if exists {
		maps.Copy(config.Attributes, old.Attributes)
		config.Durability = old.Durability
	} else {
		config.Attributes[core.AttrKind] = core.KindAny.String() // who names no kind sends all of them
	}
	return changeAttributes(config.Attributes, changes)
}

// changeAttributes applies a list of +key=value and -key.
func changeAttributes(attributes map[string]string, list string) error {
	for change := range strings.SplitSeq(list, ",") {
		change = strings.TrimSpace(change)
		if change == "" {
			continue
		}
		if key, ok := strings.CutPrefix(change, "-"); ok {
			delete(attributes, key)
			continue
		}
		key, value, ok := strings.Cut(strings.TrimPrefix(change, "+"), "=")
		if !ok || key == "" || !strings.HasPrefix(change, "+") {
			return core.Errorf(core.InvalidTopic, "attribute %s is neither +key=value nor -key", strconv.Quote(change))
		}
		attributes[key] = value
	}
	return nil
}

func (c *conn) deleteTopic(r request) {
	a := wire.NewArgs(c.cmd.Ext)
	topic := a.Text("topic")
	if err := a.Err(); err != nil {
		r.fail(err)
		return
	}
	c.core().Admin(core.DeleteTopic{Name: topic}, func(err error) {
		if err != nil && core.CodeOf(err) != core.TopicNotFound { // tools delete what may be gone
			r.fail(err)
			return
		}
		r.answer(wire.Success, nil, nil)
	})
}

// forgetTopic answers for the name server, which knows what the broker knows.
func (c *conn) forgetTopic(r request) {
	a := wire.NewArgs(c.cmd.Ext)
	a.Text("topic")
	if err := a.Err(); err != nil {
		r.fail(err)
		return
	}
	r.answer(wire.Success, nil, nil)
}

func (c *conn) topicConfig(r request) {
	a := wire.NewArgs(c.cmd.Ext)
	topic := a.Text("topic")
	if err := a.Err(); err != nil {
		r.fail(err)
		return
	}
	info, ok := c.server.engine.Topic(topic)
	if !ok {
		r.refuse(wire.TopicNotExist, "No topic in this broker. topic: "+topic)
		return
	}
	r.answer(wire.Success, nil, wire.EncodeBody(describe(info)))
}

func (c *conn) allTopicConfigs(r request) {
	body := wire.TopicConfigs{Topics: map[string]wire.TopicConfig{}}
	for _, t := range c.server.engine.Topics() {
		body.Topics[t.Name] = describe(t)
	}
	r.answer(wire.Success, func(w *wire.Writer) {
		w.Int("totalTopicNum", int64(len(body.Topics)))
	}, wire.EncodeBody(body))
}

func describe(t *core.TopicInfo) wire.TopicConfig {
	attributes := t.Attributes
	if attributes == nil {
		attributes = map[string]string{}
	}
	return wire.TopicConfig{
		Name: t.Name, ReadQueues: t.ReadQueues, WriteQueues: t.WriteQueues, Perm: int32(t.Perm),
		SysFlag: t.SysFlag, Order: t.Order, FilterType: filterSingleTag, Attributes: attributes,
	}
}
