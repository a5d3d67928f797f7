package main

import (
	"bytes"
	"compress/zlib"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/gantrymq/gantry/core/record"
)

// encoded is a stored message as a server sends it.
func encoded(body []byte, sysFlag int32, properties string) record.Wire {
	m := record.Message{
		SysFlag: sysFlag, Born: 1, BornHost: netip.MustParseAddrPort("127.0.0.1:1"),
		Body: body, Topic: "t", Properties: []byte(properties),
	}
	w := record.Wire(m.Append(nil))
	w.Place(3, 7, 4096, 1_700_000_000_123)
	return w
}

func TestMessages(t *testing.T) {
	t.Parallel()
	both := append(encoded([]byte("text"), 0, "TAGS\x01a\x02KEYS\x01k1 k2\x02UNIQ_KEY\x01u\x02"), encoded([]byte{0xff, 0}, 0, "")...)
	got, err := messages(both)
	if err != nil {
		t.Fatal(err)
	}
	at := time.UnixMilli(1_700_000_000_123).UTC()
	want := []incoming{
		{
			Topic: "t", Queue: 3, Offset: 7, StoreTime: at, Tag: "a", Keys: []string{"k1", "k2"},
			Properties: map[string]string{"UNIQ_KEY": "u"}, Body: "text",
		},
		{Topic: "t", Queue: 3, Offset: 7, StoreTime: at, BodyBase64: []byte{0xff, 0}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if got := want[1].text(); got != "00000000  ff 00                                             |..|" {
		t.Errorf("what is no text is dumped: %q", got)
	}
	for cut := range len(both) {
		if _, err := messages(both[:cut]); err == nil && cut != 0 && cut != len(both)-len(encoded([]byte{0xff, 0}, 0, "")) {
			t.Fatalf("%d of %d bytes were taken for whole messages", cut, len(both))
		}
	}
}

func TestCompressedBodies(t *testing.T) {
	t.Parallel()
	plain := bytes.Repeat([]byte("gantry "), 100)
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		body []byte
		kind int32
		want []byte
	}{
		{"zlib, as clients before 5.0 say it", z.Bytes(), compressedOld, plain},
		{"zlib", z.Bytes(), compressedZlib, plain},
		{"zstd", enc.EncodeAll(plain, nil), compressedZstd, plain},
		{"lz4 is left as it is", []byte("???"), compressedLZ4, []byte("???")},
	}
	for _, tt := range tests {
		got, err := expand(tt.body, record.SysCompressed|tt.kind<<compressionShift)
		if err != nil || !bytes.Equal(got, tt.want) {
			t.Errorf("%s: %q, %v", tt.name, got, err)
		}
	}
	for _, kind := range []int32{compressedZlib, compressedZstd} {
		if _, err := expand([]byte("no such thing"), record.SysCompressed|kind<<compressionShift); err == nil {
			t.Errorf("kind %d: a body that is not compressed was taken", kind)
		}
	}
	bomb := enc.EncodeAll(make([]byte, longestExpanded+1), nil)
	if _, err := expand(bomb, record.SysCompressed|compressedZstd<<compressionShift); err == nil {
		t.Error("a body that expands without end was taken")
	}
}
