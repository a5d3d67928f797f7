package model

import (
	"math"
	"strconv"
	"time"
)

// Retention says how long messages are kept. A message may go once it is older
// than Age or its queue holds more than Bytes; with Consumed not before every group
// that has an offset in its queue has passed it.
type Retention struct {
	Age      time.Duration // 0: for ever
	Bytes    int64         // of one queue; 0: any number
	Consumed bool
}

// The attributes by which a topic has a retention of its own.
const (
	AttrRetention      = "retention"       // time or consumed
	AttrRetentionMs    = "retention.ms"    // 0: for ever
	AttrRetentionBytes = "retention.bytes" // of one queue; 0: any number
)

// Retention returns the topic's retention: the server's, but for what the
// topic's attributes say.
func (c *TopicConfig) Retention(server Retention) (Retention, error) {
	r := server
	switch v, ok := c.Attributes[AttrRetention]; {
	case !ok:
	case v == "time", v == "consumed":
		r.Consumed = v == "consumed"
	default:
		return r, Errorf(InvalidTopic, "topic %s: %s is %q; it is time or consumed", c.Name, AttrRetention, v)
	}
	ms, err := c.number(AttrRetentionMs, r.Age.Milliseconds(), math.MaxInt64/int64(time.Millisecond))
	if err != nil {
		return r, err
	}
	r.Age = time.Duration(ms) * time.Millisecond
	r.Bytes, err = c.number(AttrRetentionBytes, r.Bytes, math.MaxInt64)
	return r, err
}

func (c *TopicConfig) number(key string, def, limit int64) (int64, error) {
	v, ok := c.Attributes[key]
	if !ok {
		return def, nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 0 || n > limit {
		return def, Errorf(InvalidTopic, "topic %s: %s is %q; it is a number from 0 to %d", c.Name, key, v, limit)
	}
	return n, nil
}
