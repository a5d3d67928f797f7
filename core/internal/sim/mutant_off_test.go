//go:build !mutant

package sim

const mutated = false
