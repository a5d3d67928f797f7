package filter

import (
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/gantrymq/gantry/core/internal/model"
)

// maxExpression bounds the text of an expression, and so what one client can
// make the server compare for each message.
const maxExpression = 8 << 10

// Filter is a compiled expression. The zero value, and nil, match everything.
// A Filter is immutable.
type Filter struct {
	tags   []string
	hashes []int32 // of tags, same order
}

// Parse compiles an expression. kind is RocketMQ's expression type: "TAG" or
// empty for a list of tags (`A || B`; empty or `*` for all).
func Parse(kind, expression string) (*Filter, error) {
	if len(expression) > maxExpression {
		return nil, model.Errorf(model.InvalidFilter, "filter expression has %d bytes, at most %d are allowed", len(expression), maxExpression)
	}
	if kind != "" && kind != "TAG" {
		return nil, model.Errorf(model.InvalidFilter, "filter type %q is not supported: only TAG is", kind)
	}
	return parseTags(expression), nil
}

func parseTags(expression string) *Filter {
	f := &Filter{}
	for tag := range strings.SplitSeq(expression, "||") {
		tag = strings.TrimSpace(tag)
		if tag == "*" {
			return &Filter{}
		}
		if tag == "" || slices.Contains(f.tags, tag) {
			continue
		}
		f.tags = append(f.tags, tag)
		f.hashes = append(f.hashes, TagHash([]byte(tag)))
	}
	return f
}

// All reports whether the filter matches every message.
func (f *Filter) All() bool { return f == nil || len(f.tags) == 0 }

// MayMatch is the test on the hash alone, which the queue index has at hand: false
// means that the message does not match.
func (f *Filter) MayMatch(tagHash int32) bool {
	return f.All() || slices.Contains(f.hashes, tagHash)
}

// Match is the exact test: two tags may share a hash.
func (f *Filter) Match(tag []byte) bool {
	if f.All() {
		return true
	}
	for _, t := range f.tags {
		if t == string(tag) {
			return true
		}
	}
	return false
}

// TagHash is Java's String.hashCode of a tag, which RocketMQ's tools expect in
// a queue's index. A message without a tag has 0.
func TagHash(tag []byte) int32 {
	h := int32(0)
	for i, c := range tag {
		if c >= 0x80 {
			return hashUTF16(h, string(tag[i:]))
		}
		h = 31*h + int32(c)
	}
	return h
}

func hashUTF16(h int32, s string) int32 {
	for _, u := range utf16.Encode([]rune(s)) {
		h = 31*h + int32(u)
	}
	return h
}
