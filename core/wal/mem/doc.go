// Package mem is the log as a model, for tests: bytes in memory that outlive the
// Log and can be opened again, as the files of a real one do.
//
// All that is appended is written at once, and becomes durable when Flush asks:
// at once too, or with Options.Manual when the owner calls [Log.SyncStep]; so do
// Trim and Prepare. With Options.Bytes, or after [WAL.Fill], the disk can be full.
// [WAL.Kill] and [WAL.PowerCut] do to the open logs what the death of a process
// and of its machine do. It starts no goroutine.
package mem
