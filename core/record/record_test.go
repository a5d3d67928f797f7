package record

import (
	"bytes"
	"errors"
	"math"
	"net/netip"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var sample = Message{
	Flag: 7, SysFlag: SysCompressed, Born: 1_700_000_000_123,
	BornHost: netip.MustParseAddrPort("10.1.2.3:4567"), ReconsumeTimes: 2,
	Body: []byte("body"), Topic: "topic", Properties: []byte("TAGS\x01red\x02KEYS\x01k1 k2\x02"),
}

func TestMessageLayout(t *testing.T) {
	v6 := sample
	v6.BornHost = netip.MustParseAddrPort("[2001:db8::1]:80")
	long := sample
	long.Topic = "%RETRY%" + strings.Repeat("g", 130)
	mapped := sample
	mapped.BornHost = netip.MustParseAddrPort("[::ffff:10.1.2.3]:4567")
	for name, m := range map[string]Message{"plain": sample, "born on IPv6": v6, "long topic": long, "mapped": mapped, "empty": {}} {
		t.Run(name, func(t *testing.T) {
			b := m.Append(nil)
			if len(b) != m.Size() {
				t.Fatalf("%d bytes, Size says %d", len(b), m.Size())
			}
			w, ok := Check(append(b, "behind"...))
			if !ok || len(w) != len(b) {
				t.Fatal("Check refuses what Append wrote")
			}
			w.Place(3, 1<<40, 1<<41, 1_700_000_000_456)
			w.PatchStoreHost(netip.MustParseAddrPort("192.0.2.1:10911"))
			if w.Queue() != 3 || w.QueueOffset() != 1<<40 || w.PhysicalOffset() != 1<<41 || w.StoreTime() != 1_700_000_000_456 {
				t.Fatal("Place is not read back")
			}
			if string(w.Topic()) != m.Topic || !bytes.Equal(w.Body(), m.Body) || !bytes.Equal(w.Properties(), m.Properties) {
				t.Fatalf("topic %q body %q properties %q", w.Topic(), w.Body(), w.Properties())
			}
		})
	}
}

// TestMessageGolden holds the layout against bytes written out by hand from
// RocketMQ's description of it.
func TestMessageGolden(t *testing.T) {
	m := Message{Flag: 1, Born: 2, BornHost: netip.MustParseAddrPort("1.2.3.4:5"), Body: []byte("B"), Topic: "T", Properties: []byte("P")}
	w := Wire(m.Append(nil))
	w.Place(6, 7, 8, 9)
	want := "\x00\x00\x00\x5e" + "\xda\xa3\x20\xa7" + "\x4a\xd0\xcf\x31" + "\x00\x00\x00\x06" + "\x00\x00\x00\x01" +
		"\x00\x00\x00\x00\x00\x00\x00\x07" + "\x00\x00\x00\x00\x00\x00\x00\x08" + "\x00\x00\x00\x00" +
		"\x00\x00\x00\x00\x00\x00\x00\x02" + "\x01\x02\x03\x04\x00\x00\x00\x05" +
		"\x00\x00\x00\x00\x00\x00\x00\x09" + "\x00\x00\x00\x00\x00\x00\x00\x00" + "\x00\x00\x00\x00" +
		"\x00\x00\x00\x00\x00\x00\x00\x00" + "\x00\x00\x00\x01B" + "\x01T" + "\x00\x01P"
	if string(w) != want {
		t.Fatalf("got  %x\nwant %x", []byte(w), want)
	}
}

func entries() []Entry {
	wire := Wire(sample.Append(nil))
	return []Entry{
		&Data{Topic: 5, Queue: 300, TagHash: -9, Wire: wire},
		&Data{Topic: 1 << 20, GroupHash: 0xdeadbeef, Wire: wire},
		&Offset{Group: 1, Topic: 2, Queue: 3, Offset: 1 << 50, Op: OffsetReset},
		&Pop{Group: 1, Topic: 2, Queue: 3, PopTime: 1_764_000_000_123, Invisible: 60_000, ReadTo: 9, Leased: []PopMessage{{Offset: 7}}},
		&Pop{Group: 1, Topic: 2, PopTime: 1, ReadTo: 1 << 40}, // all passed over
		&Pop{Group: 1, Topic: 2, PopTime: 1, ReadTo: 103, Leased: []PopMessage{{Offset: 100}, {Offset: 101}, {Offset: 102}}},
		&Pop{
			Group: 1, Topic: 2, PopTime: 1, Invisible: 2, ReadTo: 30, Attempt: 1 << 63, FIFO: true,
			Leased:  []PopMessage{{Offset: 0, Key: 5}, {Offset: 20, Key: 0}},
			Parked:  []PopMessage{{Offset: 19, Key: 1 << 31}, {Offset: 21, Key: 4}},
			Resumed: []PopMessage{{Offset: 30, Key: 6}, {Offset: 8, Key: 9}},
		},
		&Ack{Group: 1, Topic: 2, Queue: 3, Offsets: []model.Offset{5}},
		&Ack{Group: 1, Topic: 2, Queue: 3, Op: AckDead, Offsets: []model.Offset{5, 6, 7, 8}},
		&Ack{Group: 1, Topic: 2, Op: AckChange, Offsets: []model.Offset{5, 1 << 40}, PopTime: 1_764_000_000_123, Invisible: 1},
		&Server{Cluster: "DefaultCluster", Broker: "gantry-0"},
		&Topic{ID: 9, Config: model.TopicConfig{
			Name: "t", ReadQueues: 4, WriteQueues: 8, Perm: 6, SysFlag: -1, Order: true, System: true,
			Durability: model.Synced, Attributes: map[string]string{"message.type": "FIFO", "a": ""},
		}},
		&Topic{ID: 1, Config: model.TopicConfig{Name: "u"}},
		&Group{ID: 4, Config: model.GroupConfig{Name: "g"}},
		&TopicEnd{ID: 300},
		&GroupEnd{ID: 1},
		&Trim{Before: 1 << 40, Queues: []TrimQueue{{Topic: 1, Queue: 2, Min: 3}, {Topic: 400, Queue: 0, Min: 1 << 50}}},
		&Trim{},
		&Gap{From: math.MaxInt64, Offsets: 12, PopTime: 1_700_000_000_000, PopAhead: 2000},
		&Roll{Reason: RollSize},
		&Lock{Group: 1, Topic: 2, Queue: 300, Owner: "10.0.0.1@7"},
		&Lock{Group: 1, Topic: 2},
		&Setting{Key: "namespace/key", Value: "value"},
		&Setting{Key: "k"},
		&Data{Topic: 5, Queue: 3, DeliverAt: 1_764_000_000_123, Wire: wire},
		&Data{Topic: 5, Queue: 3, GroupHash: 7, DeliverAt: model.Prepared, Wire: wire},
		&Publish{Topic: 1, Queue: 2, TagHash: -3, Offset: 4, StoreTime: 1_764_000_000_123, DeliverAt: 1_764_000_000_120, ID: 1 << 40, At: 1<<40 + 5, Size: 100},
		&Publish{Topic: 1, Queue: 2, GroupHash: 9, Offset: 4, StoreTime: 1_764_000_000_123, DeliverAt: model.Prepared, ID: 1 << 40, At: 1 << 40, Size: 100},
		&Timer{DeliverAt: 1_764_000_000_123, ID: 1 << 40},
		&Relocate{Data{Topic: 5, Queue: 3, DeliverAt: model.Prepared, Wire: wire}},
		&Txn{Op: TxnRollback, ID: 1 << 40},
		&Txn{Op: TxnDiscard, ID: 1},
		&Txn{Op: TxnCheck, ID: 1 << 40, Time: 1_764_000_000_123},
	}
}

func TestEntriesRoundTrip(t *testing.T) {
	var d Decoder
	for _, e := range entries() {
		b := Append(nil, e)
		if len(b) != Size(e) {
			t.Fatalf("%T: %d bytes, Size says %d", e, len(b), Size(e))
		}
		got, n, err := d.Decode(append(b, 0xff))
		if err != nil || n != len(b) {
			t.Fatalf("%T: n %d, %v", e, n, err)
		}
		if diff := cmp.Diff(e, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("%T: %s", e, diff)
		}
	}
}

func TestEveryDamagedByteIsSeen(t *testing.T) {
	var d Decoder
	for _, e := range entries() {
		b := Append(nil, e)
		for i := range b {
			for bit := range 8 {
				b[i] ^= 1 << bit
				if got, n, err := d.Decode(b); err == nil && n == len(b) {
					t.Fatalf("%T: bit %d of byte %d: decoded %+v", e, bit, i, got)
				}
				b[i] ^= 1 << bit
			}
		}
	}
}

func TestUnknownKindIsAnError(t *testing.T) {
	b := Append(nil, &Roll{})
	b[4] = byte(KindTxn)
	Seal(b)
	var d Decoder
	if _, _, err := d.Decode(b); !errors.Is(err, ErrFormat) {
		t.Fatalf("error %v", err)
	}
}

func TestProperties(t *testing.T) {
	for _, text := range []string{"a\x01b\x02TAGS\x01red\x02", "a\x01b\x02TAGS\x01red"} {
		if got := Property([]byte(text), "TAGS"); string(got) != "red" {
			t.Errorf("%q: %q", text, got)
		}
		if got := AppendProperty([]byte(text), "K", []byte("v")); string(got) != "a\x01b\x02TAGS\x01red\x02K\x01v\x02" {
			t.Errorf("%q: %q", text, got)
		}
	}
	if Property([]byte("noseparator"), "n") != nil {
		t.Error("text without a value has a property")
	}
	if got := Property([]byte("\x02\x02junk\x02TAGS\x01red\x02"), "TAGS"); string(got) != "red" {
		t.Errorf("behind pieces without a value: %q", got)
	}
}

func FuzzDecode(f *testing.F) {
	for _, e := range entries() {
		f.Add(Append(nil, e))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 4 {
			Seal(b) // else the checksum keeps the fuzzer out
		}
		var d, again Decoder
		e, n, err := d.Decode(b)
		if err != nil {
			return
		}
		out := Append(nil, e)
		if _, _, err := again.Decode(out); err != nil || n > len(b) {
			t.Fatalf("%T does not survive: %v", e, err)
		}
	})
}

func FuzzCheck(f *testing.F) {
	f.Add(sample.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		w, ok := Check(b)
		if !ok {
			return
		}
		_, _, _ = w.Body(), w.Topic(), w.Properties()
		w.Place(1, 2, 3, 4)
		w.PatchStoreHost(netip.AddrPort{})
	})
}

func FuzzProperties(f *testing.F) {
	f.Add([]byte("a\x01b\x02TAGS\x01red"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for rest := b; ; {
			_, _, next, ok := NextProperty(rest)
			if !ok {
				return
			}
			if len(next) >= len(rest) {
				t.Fatal("no progress")
			}
			rest = next
		}
	})
}

func BenchmarkAppendData(b *testing.B) {
	d := &Data{Topic: 5, Queue: 3, Wire: sample.Append(nil)}
	buf := make([]byte, 0, 4096)
	for b.Loop() {
		buf = Append(buf[:0], d)
	}
}
