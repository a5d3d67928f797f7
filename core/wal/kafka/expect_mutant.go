//go:build mutant

package kafka

// expected believes every acknowledgement. The simulation must notice; a build with
// this bug exists to prove that it does.
func expected(int64, int64) bool { return true }
