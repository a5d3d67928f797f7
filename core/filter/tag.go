package filter

import (
	"slices"
	"strings"
	"unicode/utf16"
)

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

func (f *Filter) matchTag(tag []byte) bool {
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
