// Package waltool looks at the data folder of a server that is stopped: what is
// there, whether all of it can be verified, and what each record says. It changes
// nothing, and needs no more than to read. The commands gantry wal inspect, verify
// and dump print what it finds.
package waltool
