//go:build !mutant

package sim

// mutated tells that the engine has a bug on purpose.
const mutated = false
