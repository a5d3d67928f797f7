package wal

import "testing"

// TestFollows: each rule of a log's order refuses by itself.
func TestFollows(t *testing.T) {
	last := Sequence{End: 500, StoreTime: 1000, Epoch: 3, Chain: 0xabc, Begun: true}
	good := Header{Len: 48, LSN: 500, DurableLSN: 400, StoreTime: 1000, Epoch: 3, Chain: 0xabc}
	inside := Sequence{End: 500, Inside: true}
	tests := []struct {
		name   string
		after  Sequence
		change func(*Header)
		ok     bool
	}{
		{"next", last, func(*Header) {}, true},
		{"later epoch and time", last, func(h *Header) { h.Epoch, h.StoreTime = 9, 2000 }, true},
		{"segment at the end", last, func(h *Header) { h.Flags = FlagSegmentStart }, true},
		{"segment behind a gap", last, func(h *Header) { h.Flags, h.LSN = FlagSegmentStart, 900 }, true},
		{"gap without a segment", last, func(h *Header) { h.LSN = 501 }, false},
		{"segment before the end", last, func(h *Header) { h.Flags, h.LSN = FlagSegmentStart, 499 }, false},
		{"other chain", last, func(h *Header) { h.Chain++ }, false},
		{"epoch falls", last, func(h *Header) { h.Epoch = 2 }, false},
		{"time falls", last, func(h *Header) { h.StoreTime = 999 }, false},
		{"durable past itself", last, func(h *Header) { h.DurableLSN = 501 }, false},
		{"first of all", Sequence{}, func(h *Header) { h.Flags, h.Chain = FlagSegmentStart, 0 }, true},
		{"first of all, but chained", Sequence{}, func(h *Header) { h.Flags = FlagSegmentStart }, false},
		{"first that is looked at", inside, func(h *Header) { h.Flags = FlagSegmentStart }, true},
	}
	for _, tt := range tests {
		h := good
		tt.change(&h)
		if why := tt.after.Follows(&h); (why == "") != tt.ok {
			t.Errorf("%s: refused because %q", tt.name, why)
		}
	}
}

func TestHeader(t *testing.T) {
	b := make([]byte, HeaderSize+3)
	copy(b[HeaderSize:], "abc")
	PutHeader(b, 1<<40, 1700000000000, FlagSegmentStart, 7)
	crc := Complete(b, 1<<39, 5, 0xdead, 0x5a17)
	want := Header{
		Len: HeaderSize + 3, CRC: crc, LSN: 1 << 40, DurableLSN: 1 << 39, StoreTime: 1700000000000,
		Epoch: 5, Flags: FlagSegmentStart, Version: HeaderVersion, Count: 7, Chain: 0xdead,
	}
	h := ParseHeader(b)
	if h != want || h.End() != 1<<40+HeaderSize+3 {
		t.Errorf("%+v, want %+v", h, want)
	}
	if Checksum(b, 0x5a17) != crc || Checksum(b, 0x5a18) == crc {
		t.Error("the checksum does not depend on the salt alone")
	}
	for i := 8; i < len(b); i++ {
		b[i] ^= 1
		if Checksum(b, 0x5a17) == crc {
			t.Errorf("byte %d is not covered by the checksum", i)
		}
		b[i] ^= 1
	}
}
