// Package index finds messages: from a queue's offset, or a time, to a place in
// the log. It is derived from the log, kept in memory, and has one object per
// segment, so that a segment and its index live and die together.
package index
