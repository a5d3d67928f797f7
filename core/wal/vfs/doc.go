// Package vfs is the file system as a log needs it: a dozen operations, small
// enough that a test can model every way in which they fail.
//
// [OS] is the real one. [Mem] is a model in memory that knows what a power cut
// and what the death of a process leave behind: [Mem.PowerCut] and
// [Mem.ProcessCrash] return the file system that the next start would find, and
// leave the original as it was, so one run can be cut at each of its steps. It can
// be full ([Mem.Limit]) or mounted read-only ([Mem.SetReadOnly]).
// [Wrap] puts a hook before every operation of another FS: to make it fail
// ([FailNth], [Verdict]), to cut a run there, or to write down what happened
// ([Record]).
//
// All of it is deterministic: the same calls and the same seeds give the same
// result. Nothing here starts a goroutine or reads a clock.
package vfs
