package filter

import (
	"testing"

	"github.com/gantrymq/gantry/core/record"
)

func TestTagExpressions(t *testing.T) {
	tests := []struct {
		expression  string
		match, miss []string
		all         bool
	}{
		{expression: "", match: []string{"", "a"}, all: true},
		{expression: "*", match: []string{"", "a"}, all: true},
		{expression: " * ", match: []string{"a"}, all: true},
		{expression: "a || *", match: []string{"b"}, all: true},
		{expression: "a", match: []string{"a"}, miss: []string{"", "b", "A", "aa"}},
		{expression: "a||b", match: []string{"a", "b"}, miss: []string{"c"}},
		{expression: " a  ||  b ||", match: []string{"a", "b"}, miss: []string{"c"}},
		{expression: "Aa", match: []string{"Aa"}, miss: []string{"BB"}}, // they have the same hash
		{expression: "日本", match: []string{"日本"}, miss: []string{"日"}},
	}
	for _, test := range tests {
		f, err := Parse("TAG", test.expression)
		if err != nil {
			t.Fatal(err)
		}
		if f.All() != test.all {
			t.Errorf("%q: All is %v", test.expression, f.All())
		}
		for _, tag := range test.match {
			if !f.Match(tagged(tag)) || !f.MayMatch(TagHash([]byte(tag))) {
				t.Errorf("%q does not match %q", test.expression, tag)
			}
		}
		for _, tag := range test.miss {
			if f.Match(tagged(tag)) {
				t.Errorf("%q matches %q", test.expression, tag)
			}
		}
	}
}

// tagged returns the properties of a message with this tag.
func tagged(tag string) []byte {
	return record.AppendProperty([]byte("KEYS\x01k"), record.PropTags, []byte(tag))
}

// TestTagHash holds the hash against values of Java's String.hashCode.
func TestTagHash(t *testing.T) {
	for tag, want := range map[string]int32{
		"": 0, "a": 97, "TagA": 2598919, "Aa": 2112, "BB": 2112, "hello world": 1794106052, "日本": 835047,
	} {
		if got := TagHash([]byte(tag)); got != want {
			t.Errorf("%q: %d, want %d", tag, got, want)
		}
	}
}

func FuzzTags(f *testing.F) {
	f.Add("a || b", "a")
	f.Fuzz(func(t *testing.T, expression, tag string) {
		compiled, err := Parse(Tag, expression)
		if err != nil {
			return
		}
		properties := record.AppendProperty(nil, record.PropTags, []byte(tag))
		stored := record.Property(properties, record.PropTags) // up to a separator in it
		if compiled.Match(properties) && !compiled.MayMatch(TagHash(stored)) {
			t.Fatalf("%q matches %q, its hash does not", expression, tag)
		}
	})
}
