package file_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/file"
	"github.com/gantrymq/gantry/core/wal/vfs"
	"github.com/gantrymq/gantry/core/wal/waltest"
)

// life is a log through its crashes, beside a model of what must be in it. The
// model knows frames only: which were appended, and up to which of them the log
// has promised what.
type life struct {
	t    *testing.T
	disk *vfs.Mem
	boot int
	rng  *rand.Rand

	frames  [][]byte // as they were appended; the last may have failed
	durable int      // how many must survive a power cut
	written int      // how many must survive the process

	// The log begins with one of these frames: noted in MANIFEST, asked of Trim.
	noted, asked int
	parts        map[string][]string // what each may hold now; "" if it may be absent

	// What the next start must say. maybe: a crash interrupted the change.
	clean, owesGap answer

	log      *file.Log
	hook     vfs.Hook
	failed   vfs.Op   // what failAt has made fail
	failure  error    // with
	frozen   *vfs.Mem // the file system when crashAt struck
	sessions int
	seen     map[string]int // rare states that were reached
	spare    bool           // there was a spare file when background looked last
}

type answer uint8

const (
	no answer = iota
	yes
	maybe
)

func newLife(t *testing.T, seed uint64) *life {
	l := &life{
		t: t, disk: vfs.NewMem(), rng: rand.New(rand.NewPCG(seed, 1)),
		clean: yes, seen: map[string]int{}, parts: map[string][]string{},
	}
	l.noFaults()
	return l
}

// start opens and recovers the log. An error is the hook's, or the test fails.
func (l *life) start() error {
	opt := memOptions(vfs.Wrap(l.disk, func(op vfs.Op) vfs.Verdict { return l.hook(op) }), l.boot, true)
	l.sessions++
	seen, tail := l.inspect()
	opt.Salt = l.rng.Uint32
	opened, err := file.New(opt).Open(0, nil)
	if err != nil {
		return l.mine(err)
	}
	wasClean := l.clean
	if l.clean == yes {
		l.clean = maybe // until Recover has said it
	}
	l.log = opened.(*file.Log)
	l.judgeParts()
	from, before := l.snapshot()
	var found []wal.Frame
	got, err := l.log.Recover(from, func(f wal.Frame) error {
		f.Payload = bytes.Clone(f.Payload)
		found = append(found, f)
		return nil
	})
	if err != nil {
		return l.mine(err)
	}
	l.clean = wasClean
	if tail.Damage != nil || tail.End != got.End || tail.Torn != got.Torn || from == 0 && seen != len(found) {
		l.t.Fatalf("session %d: Inspect saw %d frames and %+v, then Recover found %d and %+v", l.sessions, seen, tail, len(found), got)
	}
	first := l.judgeStart()
	if from == 0 {
		before = l.remember(first)
	}
	l.judge(got, append(before, found...))
	return nil
}

// snapshot returns an LSN up to which the owner may remember everything, so that
// recovery need not begin at 0, and the frames before it.
func (l *life) snapshot() (wal.LSN, []wal.Frame) {
	n := l.rng.IntN(l.durable+1) * l.rng.IntN(2)
	if n <= l.asked {
		return 0, nil
	}
	before := l.remember(n)
	return before[n-1].End(), before
}

// remember returns the first n frames as they were appended.
func (l *life) remember(n int) []wal.Frame {
	var frames []wal.Frame
	for _, b := range l.frames[:n] {
		frames = append(frames, wal.Frame{Header: wal.ParseHeader(b), Payload: b[wal.HeaderSize:]})
	}
	return frames
}

var errInjected = errors.New("injected")

func (l *life) mine(err error) error {
	l.t.Helper()
	if !errors.Is(err, errInjected) && !errors.Is(err, syscall.ENOSPC) {
		l.t.Fatalf("session %d: %v", l.sessions, err)
	}
	return err
}

// judge compares what a recovery found with the model, and takes it over.
func (l *life) judge(got wal.Recovery, found []wal.Frame) {
	l.t.Helper()
	if len(found) < l.written || len(found) > len(l.frames) {
		l.t.Fatalf("session %d: recovered %d frames; %d must be there, %d were appended", l.sessions, len(found), l.written, len(l.frames))
	}
	for i, f := range found {
		want := wal.ParseHeader(l.frames[i])
		if f.LSN != want.LSN || f.StoreTime != want.StoreTime || !bytes.Equal(f.Payload, l.frames[i][wal.HeaderSize:]) {
			l.t.Fatalf("session %d: frame %d is %+v, appended was %+v", l.sessions, i, f.Header, want)
		}
	}
	if l.clean == yes && !got.Clean || l.clean == no && got.Clean {
		l.t.Fatalf("session %d: %+v, want clean %d", l.sessions, got, l.clean)
	}
	if gap := !got.Clean && !got.SameBoot; l.owesGap == yes && !gap || l.owesGap == no && gap {
		l.t.Fatalf("session %d: %+v, want gap %d", l.sessions, got, l.owesGap)
	}
	if got.Clean && len(found) < len(l.frames) {
		l.t.Fatalf("session %d: clean, but %d of %d frames", l.sessions, len(found), len(l.frames))
	}
	l.count("torn", got.Torn > 0)
	l.count("lost frames", len(found) < len(l.frames))
	l.count("more than was durable", len(found) > l.durable)
	l.count("clean", got.Clean)
	l.count("gap", !got.Clean && !got.SameBoot)
	l.frames = l.frames[:len(found)]
	l.durable, l.written = len(found), len(found)
	if end := l.end(); got.End != end {
		l.t.Fatalf("session %d: end %d, want %d", l.sessions, got.End, end)
	}
	l.clean = no
	l.owesGap = no
	if !got.Clean && !got.SameBoot {
		l.owesGap = yes
	}
}

func (l *life) count(state string, reached bool) {
	if reached {
		l.seen[state]++
	}
}

func (l *life) end() wal.LSN {
	if len(l.frames) == 0 {
		return 0
	}
	h := wal.ParseHeader(l.frames[len(l.frames)-1])
	return h.End()
}

// work does n random steps, or stops at the first error and returns it.
func (l *life) work(n int) error {
	for range n {
		if err := l.step(); err != nil {
			return err
		}
	}
	return nil
}

func (l *life) step() error {
	switch l.rng.IntN(12) {
	case 0, 1:
		l.log.Flush()
		l.log.SyncStep()
		return l.progress()
	case 2:
		return l.append(wal.FlagIdleMark, 0)
	case 3:
		return l.trim()
	case 4:
		return l.part()
	case 5:
		l.log.Prepare()
		return nil
	case 6:
		return l.background()
	case 7, 8:
		return l.append(wal.FlagSegmentStart, l.rng.IntN(300))
	default:
		return l.append(0, l.rng.IntN(1500))
	}
}

// append appends a frame of random bytes, after a gap sometimes if it starts a segment.
func (l *life) append(flags uint16, size int) error {
	lsn := l.end()
	if len(l.frames) == 0 || l.owesGap == yes {
		flags |= wal.FlagSegmentStart
	}
	if flags&wal.FlagSegmentStart != 0 && len(l.frames) > 0 {
		lsn += wal.LSN(l.rng.IntN(2) * l.rng.IntN(10000))
	}
	payload := make([]byte, size)
	for i := range payload {
		payload[i] = byte(l.rng.Uint32())
	}
	b := waltest.Frame(lsn, int64(len(l.frames)), flags, payload)
	l.frames = append(l.frames, b)
	if l.owesGap == yes {
		l.owesGap = maybe
	}
	if err := l.log.Append(lsn, b); err != nil {
		return l.mine(err)
	}
	l.written = len(l.frames)
	return nil
}

func (l *life) progress() error {
	written, durable, err := l.log.Progress()
	if err != nil {
		return l.mine(err)
	}
	if end := l.end(); written != end || durable != end {
		l.t.Fatalf("session %d: after a sync: written %d, durable %d, want %d", l.sessions, written, durable, end)
	}
	if l.durable < len(l.frames) && l.owesGap == maybe {
		l.owesGap = no
	}
	l.durable = len(l.frames)
	return nil
}

// close stops in order.
func (l *life) close() error {
	l.clean = maybe
	if err := l.log.Close(true); err != nil {
		return l.mine(err)
	}
	l.durable = len(l.frames)
	if l.owesGap == yes {
		l.clean = no // nothing was appended since the power cut
		return nil
	}
	l.noted = l.asked
	l.clean, l.owesGap = yes, no
	return nil
}

// crash ends the process, and the machine's power too if power is set.
func (l *life) crash(power bool) {
	if l.frozen != nil {
		l.disk, l.frozen = l.frozen, nil
	}
	l.noFaults()
	if !power {
		l.disk = l.disk.ProcessCrash()
		return
	}
	l.disk = l.disk.PowerCut(l.rng.Uint64())
	l.boot++
	l.written = l.durable
	switch l.clean {
	case no:
		l.owesGap = yes
	case maybe:
		l.owesGap = maybe
	}
}

// crashAt makes the process die at the n-th change from now on, within a write
// sometimes: what l.crash finds then is the file system of that moment.
func (l *life) crashAt(n int) {
	l.hook = func(op vfs.Op) vfs.Verdict {
		if op.Kind.Changes() {
			n--
		}
		if n > 0 || n == 0 && !op.Kind.Changes() {
			return vfs.Verdict{}
		}
		if n == 0 && op.Kind == vfs.OpWrite {
			return vfs.Verdict{Err: errInjected, Partial: l.rng.IntN(int(op.Len) + 1)}
		}
		if l.frozen == nil {
			l.frozen = l.disk.ProcessCrash()
		}
		return vfs.Verdict{Err: errInjected}
	}
}

// failAt makes the n-th change from now on fail.
func (l *life) failAt(n int) {
	err := errInjected
	if n%2 == 0 { // not drawn: the plan of the session must stay the same
		err = syscall.ENOSPC
	}
	fail := vfs.FailNth(n, err)
	l.failed = vfs.Op{}
	l.hook = func(op vfs.Op) vfs.Verdict {
		v := fail(op)
		if v.Err != nil {
			l.failed, l.failure = op, v.Err
		}
		return v
	}
}

func (l *life) noFaults() {
	l.hook = func(vfs.Op) vfs.Verdict { return vfs.Verdict{} }
}
