// Package sim proves the engine by simulation. It holds tests only.
//
// One goroutine plays everything: the clients, the loop of the shard (it calls
// Step), the syncer of the log (it calls SyncStep), the readers of cold messages,
// the disk (a vfs.Mem) and both clocks. A seed decides all of it, so a failure is
// reproduced by its seed alone.
//
//	seeds_test.go   the flags, the budget, the line that a failure prints
//	swarm_test.go   seed -> what this run is like: modes, sizes, which faults
//	world_test.go   virtual time, events, the run from the first step to the last
//	machine_test.go starts, stops, crashes and power cuts
//	disk_test.go    faults at file-system calls; what the disk really holds
//	tap_test.go     sees what the shard asks of its log
//	steps_test.go   the table of what a step may do; *_step_test.go do it
//	oracle_test.go  the judge: what was sent, what was answered, what may be seen
//	judge_*_test.go its sentences, one subject each
//	audit_test.go   replays of the log aside, damage to a copy of the disk
//	script_*.go     scenarios in words, from core/testdata
//
// The judge shares no code with the engine. It asks the disk, not the log, what
// was synced. Invariants have names (L1, U2, ...); doc comments in judge files say
// what each means.
package sim
