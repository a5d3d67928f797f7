package filter

import (
	"slices"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

// The kinds of expressions, as RocketMQ's clients name them.
const (
	Tag   = "TAG"
	SQL92 = "SQL92"
)

// Limits of expressions: they bound what one client can make the server keep, and
// do for each message.
const (
	maxTags   = 8 << 10  // bytes of a list of tags
	maxSQL    = 16 << 10 // bytes of an SQL92 expression
	maxDepth  = 128      // how deep it may be nested
	maxList   = 2048     // texts in one of its lists
	maxNames  = 64       // different properties in it
	maxNumber = 128      // bytes of a property that is read as a number
)

// Filter is a compiled expression. The zero value, and nil, match everything.
// A Filter is immutable.
type Filter struct {
	tags   []string
	hashes []int32  // of tags, same order
	sql    *program // nil in a list of tags
}

// Parse compiles an expression. kind is RocketMQ's expression type: "TAG" or
// empty for a list of tags (`A || B`; empty or `*` for all), or "SQL92". The error
// is a model.Error; below it is a *SyntaxError if an SQL92 expression has one.
func Parse(kind, expression string) (*Filter, error) {
	limit := maxTags
	switch kind {
	case "", Tag:
	case SQL92:
		limit = maxSQL
	default:
		return nil, model.Errorf(model.InvalidFilter, "filter type %q is not supported: only TAG and SQL92 are", kind)
	}
	if len(expression) > limit {
		return nil, model.Errorf(model.InvalidFilter, "filter expression has %d bytes, at most %d are allowed", len(expression), limit)
	}
	if kind == SQL92 {
		return parseSQL(expression)
	}
	return parseTags(expression), nil
}

// All reports whether the filter matches every message.
func (f *Filter) All() bool { return f == nil || len(f.tags) == 0 && f.sql == nil }

// NeedsProperties reports whether a message has to be read to know that it does not
// match. If not, MayMatch rules out nearly all that do not.
func (f *Filter) NeedsProperties() bool { return f != nil && f.sql != nil }

// MayMatch is the test on the tag's hash alone, which the queue index has at hand:
// false means that the message does not match.
func (f *Filter) MayMatch(tagHash int32) bool {
	return f.All() || f.sql != nil || slices.Contains(f.hashes, tagHash)
}

// Match is the exact test, on the text form of a message's properties. It does not
// allocate, but for an SQL92 expression that reads a number of more than 32 bytes.
func (f *Filter) Match(properties []byte) bool {
	switch {
	case f.All():
		return true
	case f.sql != nil:
		return f.sql.evaluate(properties) == yes
	}
	// Two tags may share a hash.
	return f.matchTag(record.Property(properties, record.PropTags))
}
