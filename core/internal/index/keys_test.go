package index

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/core/record"
)

// TestHashKey holds the hash, which is on disk, against the standard library's.
func TestHashKey(t *testing.T) {
	for _, c := range [][2]string{{"", ""}, {"topic", "key"}, {"%RETRY%g", "ключ"}} {
		h := fnv.New64a()
		h.Write([]byte(c[0] + "#" + c[1]))
		if got := HashKey(c[0], c[1]); got != h.Sum64() || got != HashKey([]byte(c[0]), []byte(c[1])) {
			t.Errorf("HashKey(%q, %q) = %x, want %x", c[0], c[1], got, h.Sum64())
		}
	}
}

func TestEachKey(t *testing.T) {
	var many []string
	for i := range 100 {
		many = append(many, fmt.Sprint("k", i))
	}
	for name, c := range map[string]struct {
		properties string
		size       int
		want       []string
	}{
		"none":         {"TAGS\x01a\x02", 300, nil},
		"unique":       {"UNIQ_KEY\x01u\x02TAGS\x01a\x02", 300, []string{"u"}},
		"both":         {"KEYS\x01a b\x02UNIQ_KEY\x01u\x02", 300, []string{"a", "b", "u"}},
		"blanks":       {"KEYS\x01  a   b \x02", 300, []string{"a", "b"}},
		"one word":     {"KEYS\x01a", 300, []string{"a"}},
		"only blanks":  {"KEYS\x01   \x02", 300, nil},
		"comma is key": {"KEYS\x01a,b\x02", 300, []string{"a,b"}},
		"too many":     {"KEYS\x01" + strings.Join(many, " ") + "\x02UNIQ_KEY\x01u\x02", 320, append(slices.Clone(many[:20]), "u")},
		"not so many":  {"KEYS\x01" + strings.Join(many, " ") + "\x02", 1600, many},
	} {
		m := record.Message{Topic: "t", Properties: []byte(c.properties)}
		var got, want []uint64
		EachKey(m.Append(nil), c.size, func(hash uint64) { got = append(got, hash) })
		for _, k := range c.want {
			want = append(want, HashKey("t", k))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d keys, want %d", name, len(got), len(want))
		}
	}
}
