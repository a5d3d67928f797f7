package main

import (
	"bytes"
	"compress/zlib"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

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
	if d := cmp.Diff(want, got, cmpopts.IgnoreUnexported(incoming{})); d != "" {
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
	plain := strings.Repeat("gantry ", 100)
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	if _, err := w.Write([]byte(plain)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := decode(encoded(z.Bytes(), record.SysCompressed, "")); got.Body != plain {
		t.Errorf("a compressed body became %q", got.Body)
	}
	if got := decode(encoded([]byte("no zlib"), record.SysCompressed, "")); got.Body != "no zlib" {
		t.Errorf("a body that only claims to be compressed became %q, want it as it came", got.Body)
	}
}
