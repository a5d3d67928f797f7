//go:build !mutant

package kafka

// expected tells whether a frame was acknowledged where it must be: then nobody
// else has written since the last one.
func expected(offset, last int64) bool { return offset == last+1 }
