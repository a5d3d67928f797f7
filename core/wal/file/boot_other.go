//go:build !linux && !darwin

package file

// systemBootID returns "": every unclean start counts as one after a power cut.
func systemBootID() string { return "" }
