//go:build linux

package shard

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gantrymq/gantry/core/record"
	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/file"
)

// TestIndexPartsAreSmall holds the parts of sealed segments to 15 % of the bodies,
// for bodies of 300 bytes that have a unique key and one more.
func TestIndexPartsAreSmall(t *testing.T) {
	const body, limit = 300, 0.15
	d := openDriver(t, Config{SegmentBytes: 16 << 20}, file.New(file.Options{Dir: t.TempDir()}))
	c, open := d.Connect(ClientInfo{}), 0
	for n := 0; d.count.Sealed < 2; n++ {
		m := Message{Topic: "t", Queue: -1, AutoCreate: 8, Body: make([]byte, body)}
		for i := range m.Body {
			m.Body[i] = byte(rand.Int())
		}
		m.Properties = record.AppendProperty(nil, record.PropKeys, fmt.Appendf(nil, "order-%d", n))
		c.Send(&Batch{Messages: []Message{m}}, func(r []SendResult, err error) { open--; d.check(err) })
		c.Submit()
		if open++; open%256 == 0 {
			d.until("answers", func() bool { return open == 0 })
		}
	}
	size, messages := indexParts(t, d.log.Parts())
	share := float64(size) / float64(messages*body)
	t.Logf("%d bytes for %d messages: %.1f a message, %.1f %% of the bodies", size, messages, float64(size)/float64(messages), 100*share)
	if share > limit {
		t.Errorf("index parts take %.1f %% of the bodies", 100*share)
	}
	d.close()
}

func indexParts(t *testing.T, parts wal.Parts) (size int64, messages int) {
	t.Helper()
	names, err := parts.List("")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if _, ok := indexBase(name); !ok {
			continue
		}
		part, err := parts.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		size += part.Size()
		part.Close()
		sealed, err := openIndex(parts, name)
		if err != nil {
			t.Fatal(err)
		}
		messages += sealed.Messages()
	}
	return size, messages
}
