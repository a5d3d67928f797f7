package filter

import (
	"strings"
	"testing"

	"github.com/gantrymq/gantry/core/internal/model"
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
			if !f.Match([]byte(tag)) || !f.MayMatch(TagHash([]byte(tag))) {
				t.Errorf("%q does not match %q", test.expression, tag)
			}
		}
		for _, tag := range test.miss {
			if f.Match([]byte(tag)) {
				t.Errorf("%q matches %q", test.expression, tag)
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for kind, expression := range map[string]string{"SQL92": "a > 1", "TAG": strings.Repeat("x", maxExpression+1)} {
		if _, err := Parse(kind, expression); model.CodeOf(err) != model.InvalidFilter {
			t.Errorf("%s: %v", kind, err)
		}
	}
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

func FuzzParse(f *testing.F) {
	f.Add("TAG", "a || b", "a")
	f.Fuzz(func(t *testing.T, kind, expression, tag string) {
		compiled, err := Parse(kind, expression)
		if err != nil {
			return
		}
		if compiled.Match([]byte(tag)) && !compiled.MayMatch(TagHash([]byte(tag))) {
			t.Fatalf("%q matches %q, its hash does not", expression, tag)
		}
	})
}
