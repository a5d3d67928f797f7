package remoting

import (
	"strings"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/filter"
)

// maxNames bounds what a connection remembers of names and filters.
const maxNames = 1024

// maxFilterBytes bounds the text of the filters that a connection remembers: what
// they compile to is some times as large.
const maxFilterBytes = 64 << 10

// name is a topic or group as requests name it, with what follows from the name.
// Connections remember theirs, so that a request does not allocate it anew.
type name struct {
	text  string
	retry bool // a group's retry topic
}

// intern returns the name that b spells.
func (c *conn) intern(b []byte) *name {
	if n := c.names[string(b)]; n != nil {
		return n
	}
	if c.names == nil || len(c.names) >= maxNames {
		c.names = map[string]*name{}
	}
	n := &name{text: string(b)}
	n.retry = strings.HasPrefix(n.text, core.RetryPrefix)
	c.names[n.text] = n
	return n
}

// filterText is an expression as a client writes it.
type filterText struct{ kind, expression string }

// filter returns the compiled expression of a request.
func (c *conn) filter(kind, expression []byte) (*filter.Filter, error) {
	key := filterText{string(kind), string(expression)}
	if f, ok := c.filters[key]; ok {
		return f, nil
	}
	f, err := filter.Parse(key.kind, key.expression)
	if err != nil {
		return nil, err
	}
	c.filterBytes += len(key.expression)
	if c.filters == nil || len(c.filters) >= maxNames || c.filterBytes > maxFilterBytes {
		c.filters, c.filterBytes = map[filterText]*filter.Filter{}, len(key.expression)
	}
	c.filters[key] = f
	return f, nil
}

// queue finds a queue by topic and number, for requests that do not create it.
func (c *conn) queue(topic string, number int32) (core.Queue, *core.TopicInfo, error) {
	info, ok := c.server.engine.Topic(topic)
	if !ok {
		return core.Queue{}, nil, core.Errorf(core.TopicNotFound, "topic[%s] not exist, apply first please!", topic)
	}
	if number < 0 || number >= info.Queues() {
		return core.Queue{}, info, core.Errorf(core.InvalidQueue,
			"queueId[%d] is illegal, topic:[%s] has the queues 0 to %d", number, topic, info.Queues()-1)
	}
	return core.Queue{Shard: c.server.shard.ID, Topic: info.ID, Num: number}, info, nil
}
