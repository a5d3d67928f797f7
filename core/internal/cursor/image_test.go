package cursor

import (
	"bytes"
	"testing"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

// images returns those of cursors in many a state.
func images(tb testing.TB) (all [][]byte) {
	add := func(l *lane) { all = append(all, l.c.AppendImage(nil)) }
	for _, fifo := range []bool{false, true} {
		l := newLane(tb, fifo)
		add(l)
		l.send(300, 1)
		l.send(300, 2)
		got := l.receiveFor(10, lease, 9)
		add(l)
		l.acks(got[2:]...)
		add(l)
		l.receiveFor(200, lease, 8)
		l.receiveFor(100, lease, 0)
		add(l)
		l.now += 2 * lease
		got = l.receiveFor(50, lease, 8)
		l.acks(got[5:]...)
		add(l)
		l.c.Apply(&record.Offset{Op: record.OffsetReset, Offset: 1})
		add(l)
	}
	return all
}

func TestImageRoundTrip(t *testing.T) {
	var m Memory
	for _, image := range images(t) {
		c, err := DecodeImage(image, &m)
		if err != nil || !bytes.Equal(c.AppendImage(nil), image) {
			t.Fatalf("%x: %v", image, err)
		}
	}
}

// TestImageOfTheFirstVersion: a cursor that only ever was committed.
func TestImageOfTheFirstVersion(t *testing.T) {
	var m Memory
	c, err := DecodeImage([]byte{1, 0x80, 1}, &m)
	if err != nil || c.Floor() != 128 || !c.PendingReset() || c.ReadOffset() != 128 {
		t.Fatalf("%+v %v", c, err)
	}
}

func TestDamagedImages(t *testing.T) {
	var m Memory
	for _, image := range images(t) {
		for n := range image {
			if _, err := DecodeImage(image[:n], &m); err == nil {
				t.Fatalf("%x: the first %d bytes are an image", image, n)
			}
		}
		if _, err := DecodeImage(append(image, 0), &m); err == nil {
			t.Fatalf("%x: with a byte behind it is an image", image)
		}
	}
	if _, err := DecodeImage([]byte{imageFIFO, 1}, &m); err == nil {
		t.Fatal("an ordered cursor that knows nothing is an image")
	}
}

// FuzzDecodeImage: what is accepted is what would be written, and can be worked with.
func FuzzDecodeImage(f *testing.F) {
	for _, image := range images(f) {
		f.Add(image)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var m Memory
		c, err := DecodeImage(b, &m)
		if err != nil {
			return
		}
		fifo := c.w != nil && c.w.fifo != nil
		now := int64(1) << 62
		var p Plan
		p.Begin(&c, Rules{Now: now, Max: 100, FIFO: fifo})
		if look, ok := p.Next(); ok {
			for o := look.From; o < min(look.To, look.From+200) && p.Offer(o, look.Key, true); o++ {
			}
		}
		p.Rest()
		var r record.Pop
		p.Record(&r, now, 10, 1)
		if err := c.ApplyPop(&r, &m); err != nil {
			t.Fatal(err)
		}
		var ack record.Ack
		for _, l := range r.Leased {
			ack.Offsets = append(ack.Offsets, l.Offset)
		}
		if len(ack.Offsets) > 0 {
			if err := c.ApplyAck(&ack); err != nil {
				t.Fatal(err)
			}
		}
		c.Each(func(o model.Offset, s Slot) bool {
			return c.Check(o, s.PopTime, now, nil) != Current
		})
		if again, err := DecodeImage(c.AppendImage(nil), &m); err != nil || again.Floor() != c.Floor() {
			t.Fatalf("%x: %v", c.AppendImage(nil), err)
		}
	})
}
