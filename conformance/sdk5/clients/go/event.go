package main

import (
	"bytes"
	"encoding/json"
	"hash/crc32"
	"io"
	"strings"
	"sync"
	"time"

	rmq "github.com/apache/rocketmq-clients/golang/v5"
)

// event is one line of output; absent fields say nothing.
type event struct {
	Event        string            `json:"event"`
	ID           int               `json:"id"`
	Millis       int64             `json:"millis,omitempty"` // done and error: how long the command took
	Error        string            `json:"error,omitempty"`
	Code         int32             `json:"code,omitempty"`
	Body         string            `json:"body,omitempty"` // the id in the body: all before the first '|'
	Size         int               `json:"size,omitempty"`
	CRC          uint32            `json:"crc,omitempty"`
	MsgID        string            `json:"msgId,omitempty"`
	Topic        string            `json:"topic,omitempty"`
	Offset       int64             `json:"offset"`
	Tag          string            `json:"tag,omitempty"`
	Keys         string            `json:"keys,omitempty"`
	Attempt      int32             `json:"attempt"`
	MessageGroup string            `json:"messageGroup,omitempty"`
	DeliverAt    int64             `json:"deliverAt,omitempty"`
	Born         int64             `json:"born,omitempty"`
	Props        map[string]string `json:"props,omitempty"`
	Message      int               `json:"message"` // the number that ack and change name it by
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

func (e event) because(err error) event {
	e.Error = err.Error()
	if status, ok := rmq.AsErrRpcStatus(err); ok {
		e.Code = status.Code
	}
	return e
}

func received(id int, m *rmq.MessageView) event {
	e := event{
		Event: "received", ID: id, MsgID: m.GetMessageId(), Topic: m.GetTopic(), Offset: m.GetOffset(), Tag: text(m.GetTag()),
		Keys: strings.Join(m.GetKeys(), " "), Attempt: m.GetDeliveryAttempt(), MessageGroup: text(m.GetMessageGroup()),
		DeliverAt: millis(m.GetDeliveryTimestamp()), Born: millis(m.GetBornTimestamp()), Props: m.GetProperties(),
	}
	return e.body(m.GetBody())
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func millis(t *time.Time) int64 {
	if t == nil {
		return 0
	}
	return t.UnixMilli()
}
