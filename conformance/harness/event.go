package harness

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

// Event is one line a client program writes. Which fields are set depends on Event.
type Event struct {
	Event       string   `json:"event"` // ready, done, error, sent, failed, oneway, batch, received, checked
	ID          int      `json:"id"`    // of the command it belongs to
	Error       string   `json:"error"`
	Code        int      `json:"code"`
	Body        string   `json:"body"` // the id in the body: all before the first '|'
	Size        int      `json:"size"` // of the whole body, like CRC
	CRC         uint32   `json:"crc"`
	Status      string   `json:"status"`
	MsgID       string   `json:"msgId"`
	OffsetMsgID string   `json:"offsetMsgId"`
	Topic       string   `json:"topic"`
	Queue       int      `json:"queue"`
	Broker      string   `json:"broker"`
	Offset      int64    `json:"offset"`
	Tag         string   `json:"tag"`
	Keys        string   `json:"keys"`
	Attempt     int      `json:"attempt"`
	StoreHost   string   `json:"storeHost"`
	Physical    int64    `json:"physical"`
	Min         int64    `json:"min"`
	Max         int64    `json:"max"`
	Next        int64    `json:"next"`
	ByTime      int64    `json:"byTime"`
	Earliest    int64    `json:"earliest"`
	Offsets     []int64  `json:"offsets"`
	Topics      []string `json:"topics"`
	Queues      []int    `json:"queues"`

	// Of the v5 clients and, where the case is about both, of the others.
	MessageGroup string            `json:"messageGroup"`
	DeliverAt    int64             `json:"deliverAt"` // milliseconds since 1970, like Born
	Born         int64             `json:"born"`
	Props        map[string]string `json:"props"`
	Handle       string            `json:"handle"`  // that recalls a delayed message
	Message      int               `json:"message"` // the number that ack and change name it by
	Millis       int64             `json:"millis"`  // done and error: how long the command took

	At time.Time `json:"-"` // when the harness read it
}

// Cmd is one line a client program reads. Zero fields are left to the program's defaults.
type Cmd struct {
	ID             int    `json:"id"`
	Op             string `json:"op"`
	Target         int    `json:"target,omitempty"` // the command that started what this one is about
	Topic          string `json:"topic,omitempty"`
	Group          string `json:"group,omitempty"`
	Mode           string `json:"mode,omitempty"` // sync, async, oneway, batch
	Count          int    `json:"count,omitempty"`
	Size           int    `json:"size,omitempty"`
	Prefix         string `json:"prefix,omitempty"`
	Tag            string `json:"tag,omitempty"`
	Keys           string `json:"keys,omitempty"`
	Queues         int    `json:"queues,omitempty"` // send: to queues 0 to Queues-1 in turn; createTopic: how many
	Queue          int    `json:"queue,omitempty"`
	Offset         int64  `json:"offset,omitempty"`
	Max            int    `json:"max,omitempty"`
	Block          int    `json:"block,omitempty"`
	Time           int64  `json:"time,omitempty"` // milliseconds since 1970
	Rate           int    `json:"rate,omitempty"` // messages a second
	Model          string `json:"model,omitempty"`
	From           string `json:"from,omitempty"`
	Expression     string `json:"expression,omitempty"`
	BrokerAddr     string `json:"brokerAddr,omitempty"`     // Go's createTopic asks a broker
	Compression    string `json:"compression,omitempty"`    // Java: LZ4 or ZSTD instead of ZLIB
	VIP            int    `json:"vip,omitempty"`            // 1: by the VIP channel
	Incompressible int    `json:"incompressible,omitempty"` // 1: the body is sent as it is, however large
	PollInterval   int    `json:"pollInterval,omitempty"`   // milliseconds between two looks at the routes
	Orderly        int    `json:"orderly,omitempty"`        // 1: an orderly listener
	Failures       int    `json:"failures,omitempty"`       // how often a message fails; below 0: always
	Level          int    `json:"level,omitempty"`          // delay level of the next attempt
	MaxReconsume   int    `json:"maxReconsume,omitempty"`
	Linger         int    `json:"linger,omitempty"` // milliseconds that an orderly listener takes for a message
	SQL            string `json:"sql,omitempty"`    // filter by this expression
	Trace          int    `json:"trace,omitempty"`  // 1: the producer writes message traces
	Property       string `json:"property,omitempty"`
	Local          string `json:"local,omitempty"` // transaction: what the producer says at once, and
	Check          string `json:"check,omitempty"` // when it is asked: commit, rollback or unknown

	// Of the v5 clients and, where the case is about both, of the others.
	Topics       []string          `json:"topics,omitempty"`
	Props        map[string]string `json:"props,omitempty"`
	MessageGroup string            `json:"messageGroup,omitempty"`
	DeliverAt    int64             `json:"deliverAt,omitempty"` // milliseconds since 1970
	DelayLevel   int               `json:"delayLevel,omitempty"`
	FilterType   string            `json:"filterType,omitempty"` // SQL92, or a tag expression
	Await        int64             `json:"await,omitempty"`      // milliseconds, like Invisible
	Invisible    int64             `json:"invisible,omitempty"`
	Message      int               `json:"message"`
	Handle       string            `json:"handle,omitempty"`
	FailBody     string            `json:"failBody,omitempty"`     // the listener fails messages of this body, or all for *,
	FailAttempts int               `json:"failAttempts,omitempty"` // up to this attempt; 0: always
}

// String shows the fields that say something.
func (e Event) String() string { return said(e) + " at " + e.At.Format("15:04:05.000") }

// String shows the fields that say something.
func (c Cmd) String() string { return said(c) }

func said(v any) string {
	line, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	fields := map[string]any{}
	if err := json.Unmarshal(line, &fields); err != nil {
		return err.Error()
	}
	maps.DeleteFunc(fields, func(_ string, v any) bool { return v == nil || v == "" || v == 0.0 })
	return fmt.Sprint(fields)
}
