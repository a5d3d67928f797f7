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
//	pop_*_test.go   groups that receive message by message: what a run has of them,
//	                what is known of each message and group
//	*audit_test.go  replays of the log aside, damage to a copy of the disk
//	exhaustive_test.go one scenario, a fault at each call of the file system
//	part_damage_test.go every byte of a snapshot damaged
//	canary_test.go  with -tags mutant the engine has a bug, which must be found
//	kafka_*.go      several owners of one log on a Kafka that is played
//	script_*.go     scenarios in words, from core/testdata
//
// A failure prints one line with the command that plays it again; -v tells all that
// happens. Seeds come from the commit, so that each one plays new seeds.
//
//	go test ./core/internal/sim                       # some seconds of everything
//	go test ./core/internal/sim -run TestSeeds -seed=7 -v
//	go test ./core/internal/sim -run TestSeeds -first=1 -seeds=1000
//	go test ./core/internal/sim -run TestEachCall -exhaustive -scenario=7
//	make simulate                                     # SIM_TIME of seeds, and the canary
//	make exhaustive                                   # every call, every byte
//
// The judge shares no code with the engine. It asks the disk, not the log, what
// was synced. Invariants have names (L1, U2, ...); doc comments in judge files say
// what each means.
package sim
