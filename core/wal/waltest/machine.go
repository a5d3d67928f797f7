package waltest

import (
	"testing"
	"time"

	"github.com/gantrymq/gantry/core/wal"
)

// Machine is a place that keeps logs, and the ways in which what runs on it ends.
type Machine struct {
	// Start returns the WAL of a new process on the machine.
	Start func() wal.WAL
	// Step does one thing that Flush, Trim or Prepare asked for, a sync first, and
	// reports whether there was one. Nil: they happen by themselves.
	Step func(wal.Log) bool
	// Kill ends the process whose logs are open, without closing them.
	Kill func()
	// PowerCut ends the machine. Which of the bytes that were not durable
	// survive may depend on seed.
	PowerCut func(seed uint64)
	// Elsewhere returns the WAL of a process on another machine. Both use the same
	// log, if there is one that both can reach.
	Elsewhere func() wal.WAL
	// Fill takes all room that is left on the disk. What is in use stays in use, and
	// what is given back can be used again.
	Fill func()
}

// Features say what an implementation promises beyond the plain contract.
type Features struct {
	Kill     bool // written bytes survive the process; Machine.Kill is set
	PowerCut bool // durable bytes survive a power cut; Machine.PowerCut is set
	Full     bool // the disk has an end; Machine.Fill is set
	// Late: a frame is written some time after Append, and durable with it.
	Late bool
	// Endless: room is not the log's business, Room has no end.
	Endless bool
	// Remote: nothing that counts is on this machine. PowerCut takes its disk, and
	// everything written survives that; Machine.Elsewhere is set.
	Remote bool
}

// deadline is how long a test waits for what should take milliseconds.
const deadline = 20 * time.Second

// run is one test's hold on a machine: at most one process with one log.
type run struct {
	t       *testing.T
	m       *Machine
	f       Features
	log     wal.Log
	changed chan struct{} // filled by notify
	found   []wal.Frame   // what the last Recover handed out, payloads copied
	got     wal.Recovery
	next    wal.LSN
	time    int64
}

func newRun(t *testing.T, f Features, m *Machine) *run {
	return &run{t: t, f: f, m: m, changed: make(chan struct{}, 1)}
}

// open opens shard 0 without recovering it.
func (r *run) open() wal.Log {
	r.t.Helper()
	log, err := r.m.Start().Open(0, func() {
		select {
		case r.changed <- struct{}{}:
		default:
		}
	})
	if err != nil {
		r.t.Fatalf("Open: %v", err)
	}
	r.log = log
	r.t.Cleanup(func() { _ = log.Close(false) }) // if it is still open
	return log
}

// start opens and recovers shard 0 from an LSN.
func (r *run) start(from wal.LSN) {
	r.t.Helper()
	r.open()
	got, err := r.recover(from)
	if err != nil {
		r.t.Fatalf("Recover(%d): %v", from, err)
	}
	r.got, r.next, r.time = got, got.End, got.StoreTime
}

func (r *run) recover(from wal.LSN) (wal.Recovery, error) {
	r.found = nil
	return r.log.Recover(from, func(f wal.Frame) error {
		f.Payload = append([]byte(nil), f.Payload...)
		r.found = append(r.found, f)
		return nil
	})
}

// append adds a frame at the end and returns its bytes as they were written, once
// they are.
func (r *run) append(flags uint16, payload string) []byte {
	r.t.Helper()
	b := r.hand(flags, payload)
	if r.f.Late {
		r.written()
	}
	return b
}

// hand adds a frame at the end, and does not wait.
func (r *run) hand(flags uint16, payload string) []byte {
	r.t.Helper()
	r.time++
	b := Frame(r.next, r.time, flags, []byte(payload))
	if err := r.log.Append(r.next, b); err != nil {
		r.t.Fatalf("Append at %d: %v", r.next, err)
	}
	r.next += wal.LSN(len(b))
	return b
}

// written waits until everything is written.
func (r *run) written() {
	r.t.Helper()
	r.wait("everything is written", func() bool {
		written, _, err := r.log.Progress()
		if err != nil {
			r.t.Fatalf("Progress: %v", err)
		}
		return written == r.next
	})
}

// flush asks for a sync and waits until everything is durable.
func (r *run) flush() {
	r.t.Helper()
	r.log.Flush()
	if r.m.Step != nil {
		r.m.Step(r.log)
	}
	r.wait("everything is durable", func() bool {
		_, durable, err := r.log.Progress()
		if err != nil {
			r.t.Fatalf("Progress: %v", err)
		}
		return durable == r.next
	})
}

// settle lets happen all that was asked for, where that is the owner's business.
func (r *run) settle() {
	for r.m.Step != nil && r.m.Step(r.log) {
	}
}

// wait waits until done; each time after somebody was notified.
func (r *run) wait(what string, done func() bool) {
	r.t.Helper()
	timeout := time.After(deadline)
	for !done() {
		select {
		case <-r.changed:
		case <-timeout:
			r.t.Fatalf("not yet, and nobody notified: %s", what)
		}
	}
}

// room returns what can certainly be appended.
func (r *run) room() int64 {
	room, _ := r.log.Room()
	return room
}

// prepare asks for a spare segment, and returns when it is known whether there is
// room for one.
func (r *run) prepare() {
	r.t.Helper()
	r.log.Prepare()
	r.settle()
	r.wait("a spare segment is there, or there is no room", func() bool {
		_, preparing := r.log.Room()
		return !preparing
	})
}

func (r *run) close(clean bool) {
	r.t.Helper()
	if err := r.log.Close(clean); err != nil {
		r.t.Fatalf("Close(%v): %v", clean, err)
	}
}

// kill ends the process. What is left of it here is closed, for its goroutines.
func (r *run) kill() {
	r.m.Kill()
	_ = r.log.Close(false)
}

func (r *run) powerCut(seed uint64) {
	r.m.PowerCut(seed)
	_ = r.log.Close(false)
}

// Frame returns a frame as the log's owner hands it to Append, with one record
// if it has a payload.
func Frame(lsn wal.LSN, storeTime int64, flags uint16, payload []byte) []byte {
	b := make([]byte, wal.HeaderSize+len(payload))
	copy(b[wal.HeaderSize:], payload)
	wal.PutHeader(b, lsn, storeTime, flags, uint32(min(len(payload), 1)))
	return b
}
