package kafka

import (
	"math"
	"testing"

	"github.com/gantrymq/gantry/core/wal"
)

// frameOf makes a frame as an owner and the log make it together.
func frameOf(lsn, durable wal.LSN, epoch, chain uint32, flags uint16, payload string) []byte {
	b := make([]byte, wal.HeaderSize+len(payload))
	copy(b[wal.HeaderSize:], payload)
	wal.PutHeader(b, lsn, 1, flags, 1)
	wal.Complete(b, durable, epoch, chain, 0)
	return b
}

func epochOf(epoch uint32, n byte) []byte {
	m := reignMark{nonce: nonce{n}, level: formatLevel, cluster: "c", node: "n"}
	return m.encode(flagEpoch, epoch, 0, 1)
}

func releaseOf(epoch uint32, n byte) []byte {
	m := reignMark{nonce: nonce{n}, level: formatLevel}
	return m.encode(flagRelease, epoch, 0, 1)
}

func crcOf(b []byte) uint32 { h := wal.ParseHeader(b); return h.CRC }

// TestFold is the table of the rule, line by line.
func TestFold(t *testing.T) {
	const start = wal.FlagSegmentStart
	a := frameOf(0, 0, 1, 0, start, "a") // 49 bytes
	b := frameOf(49, 0, 1, crcOf(a), 0, "b")
	c := frameOf(98, 49, 1, crcOf(b), 0, "c")
	other := frameOf(49, 0, 1, 7, 0, "x")
	newer1 := frameOf(147, 0, 1, crcOf(c), 0, "d")
	newer1[38] = 9 // another version
	wal.Complete(newer1, 0, 1, crcOf(c), 0)
	type step struct {
		value []byte
		want  verdict
	}
	for name, steps := range map[string][]step{
		"a log":                   {{epochOf(1, 1), accepted}, {a, live}, {b, live}, {c, live}, {releaseOf(1, 1), released}},
		"a stranger's":            {{[]byte("x"), foreign}, {nil, foreign}, {make([]byte, 100), foreign}, {epochOf(1, 1), accepted}},
		"appended twice":          {{epochOf(1, 1), accepted}, {a, live}, {a, repeated}, {b, live}, {a, repeated}, {b, repeated}, {c, live}},
		"behind a failed one":     {{epochOf(1, 1), accepted}, {a, live}, {c, hole}, {b, live}, {c, live}},
		"acknowledged and gone":   {{epochOf(1, 1), accepted}, {a, live}, {frameOf(98, 98, 1, crcOf(b), 0, "c"), loss}},
		"another past":            {{epochOf(1, 1), accepted}, {a, live}, {other, loss}},
		"nobody began":            {{epochOf(1, 1), accepted}, {frameOf(0, 0, 2, 0, start, "a"), loss}},
		"no owner at all":         {{a, loss}},
		"a late zombie":           {{epochOf(1, 1), accepted}, {a, live}, {epochOf(2, 2), accepted}, {b, stale}, {frameOf(49, 49, 2, crcOf(a), 0, "b"), live}},
		"a lost race":             {{epochOf(2, 1), accepted}, {epochOf(2, 2), late}, {epochOf(1, 3), late}, {epochOf(3, 2), accepted}},
		"behind the end":          {{epochOf(1, 1), accepted}, {a, live}, {releaseOf(1, 1), released}, {b, stale}, {releaseOf(1, 1), stale}},
		"somebody else's end":     {{epochOf(1, 1), accepted}, {releaseOf(1, 2), stale}, {a, live}},
		"the end of an old reign": {{epochOf(1, 1), accepted}, {epochOf(2, 2), accepted}, {releaseOf(1, 1), stale}},
		"a gap":                   {{epochOf(1, 1), accepted}, {a, live}, {frameOf(500, 49, 1, crcOf(a), start, "b"), live}},
		"a gap inside a segment":  {{epochOf(1, 1), accepted}, {a, live}, {frameOf(500, 49, 1, crcOf(a), 0, "b"), hole}},
		"of a later program":      {{epochOf(1, 1), accepted}, {newer1, newer}},
	} {
		var f fold
		for i, s := range steps {
			if got, _ := f.take(&Record{Value: s.value}); got != s.want {
				t.Errorf("%s: record %d is %d, want %d (%s)", name, i, got, s.want, f.why)
			}
		}
	}
	f := fold{inside: true}
	for i, s := range []step{{frameOf(1000, 0, 5, 77, start, "a"), live}, {epochOf(5, 1), late}, {epochOf(6, 1), accepted}} {
		if got, _ := f.take(&Record{Value: s.value}); got != s.want {
			t.Errorf("inside: record %d is %d, want %d (%s)", i, got, s.want, f.why)
		}
	}
	if got, _ := f.take(&Record{Value: a, Control: true}); got != foreign {
		t.Errorf("a control record is %d", got)
	}
}

func FuzzFold(f *testing.F) {
	f.Add(epochOf(1, 1))
	f.Add(releaseOf(1, 1))
	f.Add(frameOf(0, 0, 1, 0, wal.FlagSegmentStart, "a"))
	f.Fuzz(func(_ *testing.T, value []byte) {
		var s fold
		s.take(&Record{Value: epochOf(1, 1)})
		s.take(&Record{Value: value})
		if m, err := decodeMark(value); err == nil {
			m.encode(flagEpoch, 1, 0, 0)
		}
	})
}

func FuzzManifest(f *testing.F) {
	s := &store{cluster: "c"}
	m := &manifest{name: "snap-1", state: statePresent, size: 5, chunks: []chunk{{1, 2}}}
	f.Add(m.key(), s.encode(m))
	f.Fuzz(func(t *testing.T, key string, b []byte) {
		got, err := s.decode(key, b)
		if err == nil && (got.size > int64(len(got.chunks))*chunkBytes || got.size < 0) {
			t.Errorf("%+v", got)
		}
	})
}

func FuzzHint(f *testing.F) {
	f.Add([]byte{})
	f.Add(make([]byte, hintSize+4))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := &store{hintValue: b}
		_, _ = s.load(t.Context())
	})
}

// TestManifest: what is written is read again.
func TestManifest(t *testing.T) {
	s := &store{cluster: "c", log: [16]byte{1}}
	m := &manifest{name: "a.idx", id: [16]byte{2}, state: stateDoomed, size: chunkBytes + 1, chunks: []chunk{{math.MaxInt64, 1}, {5, math.MaxUint32}}}
	got, err := s.decode(m.key(), s.encode(m))
	if err != nil || got.name != m.name || got.id != m.id || got.state != m.state || got.size != m.size || len(got.chunks) != 2 || got.chunks[0] != m.chunks[0] {
		t.Errorf("%+v, %v", got, err)
	}
}
