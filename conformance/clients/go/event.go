package main

import (
	"bytes"
	"encoding/json"
	"hash/crc32"
	"io"
	"sync"

	"github.com/apache/rocketmq-client-go/v2/primitive"
)

// event is one line of output; absent fields say nothing.
type event struct {
	Event       string   `json:"event"`
	ID          int      `json:"id"`
	Error       string   `json:"error,omitempty"`
	Body        string   `json:"body,omitempty"` // the id in the body: all before the first '|'
	Size        int      `json:"size,omitempty"`
	CRC         uint32   `json:"crc,omitempty"`
	Status      string   `json:"status,omitempty"`
	MsgID       string   `json:"msgId,omitempty"`
	OffsetMsgID string   `json:"offsetMsgId,omitempty"`
	Topic       string   `json:"topic,omitempty"`
	Queue       int      `json:"queue"`
	Broker      string   `json:"broker,omitempty"`
	Offset      int64    `json:"offset"`
	Tag         string   `json:"tag,omitempty"`
	Keys        string   `json:"keys,omitempty"`
	Attempt     int32    `json:"attempt"`
	StoreHost   string   `json:"storeHost,omitempty"`
	Physical    int64    `json:"physical,omitempty"`
	Topics      []string `json:"topics,omitempty"`
	Numbers     []int    `json:"queues,omitempty"`

	Born         int64             `json:"born,omitempty"` // milliseconds since 1970
	MessageGroup string            `json:"messageGroup,omitempty"`
	Props        map[string]string `json:"props,omitempty"` // all, those of the protocol too
}

// events writes lines from any goroutine.
type events struct {
	mu sync.Mutex
	w  io.Writer // guarded by mu
}

func (o *events) emit(e event) {
	line, err := json.Marshal(e)
	if err != nil {
		panic(err) // the struct above always marshals
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.w.Write(append(line, '\n'))
}

func (e event) body(b []byte) event {
	id, _, _ := bytes.Cut(b, []byte{'|'})
	e.Body, e.Size, e.CRC = string(id), len(b), crc32.ChecksumIEEE(b)
	return e
}

func sent(id int, m *primitive.Message, r *primitive.SendResult) event {
	e := event{Event: "sent", ID: id, Status: statusName(r.Status), MsgID: r.MsgID, OffsetMsgID: r.OffsetMsgID, Offset: r.QueueOffset}
	if r.MessageQueue != nil {
		e.Topic, e.Queue, e.Broker = r.MessageQueue.Topic, r.MessageQueue.QueueId, r.MessageQueue.BrokerName
	}
	return e.body(m.Body)
}

func failed(id int, m *primitive.Message, err error) event {
	return event{Event: "failed", ID: id, Error: err.Error()}.body(m.Body)
}

func received(id int, m *primitive.MessageExt) event {
	e := event{
		Event: "received", ID: id, MsgID: m.MsgId, OffsetMsgID: m.OffsetMsgId, Topic: m.Topic, Offset: m.QueueOffset,
		Tag: m.GetTags(), Keys: m.GetKeys(), Attempt: m.ReconsumeTimes, StoreHost: m.StoreHost, Physical: m.CommitLogOffset,
		Born: m.BornTimestamp, MessageGroup: m.GetProperty(propertyMessageGroup), Props: m.GetProperties(),
	}
	if m.Queue != nil {
		e.Queue, e.Broker = m.Queue.QueueId, m.Queue.BrokerName
	}
	return e.body(m.Body)
}

// statusName is the name the Java client has for a status.
func statusName(s primitive.SendStatus) string {
	switch s {
	case primitive.SendOK:
		return "SEND_OK"
	case primitive.SendFlushDiskTimeout:
		return "FLUSH_DISK_TIMEOUT"
	case primitive.SendFlushSlaveTimeout:
		return "FLUSH_SLAVE_TIMEOUT"
	case primitive.SendSlaveNotAvailable:
		return "SLAVE_NOT_AVAILABLE"
	}
	return "UNKNOWN"
}
