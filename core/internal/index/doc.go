// Package index finds messages: from a queue's offset, a time, a key or an
// address to a place in the log. It is derived from the log, segment by segment,
// so that a segment and its index live and die together.
//
// The index of the newest segments is in memory. That of a complete segment is
// written once, by a Builder on any goroutine, as its part (docs/format/index.md).
// Then Swap has the Index forget what it has in memory of the segment, in slices,
// and point into the part. At a start the parts are loaded and the rest is added
// anew, from the log.
//
// An Index belongs to one goroutine, which reads no file here: asked for messages
// it returns a Range, and a sealed Range is read by others. A Sealed, the part open
// for look-ups, may be used by any number of goroutines.
package index
