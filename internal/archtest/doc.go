// Package archtest proves the rules of the tree: which package may import which,
// which are pure, where goroutines may start, and what nobody may write. The
// rules are tables in rules.go; a package without a row fails the test, so that
// each new one is placed on purpose. It reads source text only and has no
// goroutines.
package archtest
