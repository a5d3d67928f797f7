package sim

import (
	"encoding/binary"
	"slices"
	"sort"

	"github.com/gantrymq/gantry/core/record"
	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/file"
)

// tapWAL hands the shard a log that the world listens to.
type tapWAL struct {
	wal.WAL
	proc *process
}

func (t tapWAL) Open(shard wal.ShardID, notify func()) (wal.Log, error) {
	log, err := t.WAL.Open(shard, func() {
		notify()
		t.proc.wake()
	})
	if err != nil {
		return nil, err
	}
	t.proc.log = &tap{Log: log, file: log.(*file.Log), proc: t.proc}
	return t.proc.log, nil
}

// tap is a log of which the world sees every call.
type tap struct {
	wal.Log
	file *file.Log
	proc *process

	found    wal.Recovery
	data     frame // the last one that is no idle mark
	appended int64 // when it was
	syncAt   bool  // a sync is under way
	rolled   int64 // where the newest segment begins
}

// frame is where a frame lies.
type frame struct{ lsn, end int64 }

func (l *tap) Recover(from wal.LSN, fn func(wal.Frame) error) (wal.Recovery, error) {
	var err error
	w := l.proc.w
	before, last := w.frames, int64(0)
	events := w.waits.events
	w.waits.cut(int64(from))
	n := sort.Search(len(before), func(i int) bool { return before[i].lsn >= int64(from) })
	w.frames = slices.Clone(before[:n]) // what a snapshot stands for is not read
	l.found, err = l.Log.Recover(from, func(f wal.Frame) error {
		w.check(f.StoreTime >= last, "L4", "store time of the frame at %d: %d after %d", f.LSN, f.StoreTime, last)
		last = f.StoreTime
		l.add(int64(f.LSN), int64(f.Len), f.Flags)
		if f.Flags&wal.FlagSegmentStart != 0 {
			l.rolled = int64(f.LSN)
		}
		w.waits.frame(int64(f.LSN)+wal.HeaderSize, f.Payload, f.Count)
		return fn(f)
	})
	if err != nil {
		w.frames, w.waits.events = before, events // all that is known of the log
	} else {
		w.waits.recovered()
	}
	return l.found, err
}

func (l *tap) add(lsn, n int64, flags uint16) {
	f := frame{lsn, lsn + n}
	l.proc.w.frames = append(l.proc.w.frames, f)
	if flags&wal.FlagIdleMark == 0 {
		l.data = f
	}
}

func (l *tap) Append(lsn wal.LSN, b []byte) error {
	w := l.proc.w
	if err := l.Log.Append(lsn, b); err != nil {
		return err
	}
	h := wal.ParseHeader(b)
	w.check(int64(h.DurableLSN) <= w.disk.book.durable(), "L12",
		"the frame at %d claims that LSN %d is durable, the disk holds %d", lsn, h.DurableLSN, w.disk.book.durable())
	l.add(int64(lsn), int64(len(b)), h.Flags)
	w.waits.appended(int64(lsn)+wal.HeaderSize, b[wal.HeaderSize:], h.Count)
	switch {
	case h.Flags&wal.FlagIdleMark != 0:
		sometimes("log.idle_mark")
	case h.Flags&wal.FlagSegmentStart != 0 && lsn > 0:
		sometimes("log.rolled")
		l.rolled = int64(lsn)
	}
	if h.Flags&wal.FlagIdleMark == 0 {
		l.appended = w.now
	}
	if w.verbose != nil {
		w.tellRecords(b[wal.HeaderSize:])
	}
	w.note("append", uint64(lsn), uint64(len(b)), uint64(binary.LittleEndian.Uint16(b[36:])))
	return nil
}

// Flush, Trim and Prepare leave work to the syncer, and the disk takes its time.
func (l *tap) Flush() {
	l.Log.Flush()
	l.work()
}

func (l *tap) Trim(before wal.LSN) error {
	err := l.Log.Trim(before)
	l.work()
	return err
}

func (l *tap) Prepare() {
	l.Log.Prepare()
	l.work()
}

func (l *tap) work() {
	w := l.proc.w
	if l.syncAt {
		return
	}
	l.syncAt = true
	w.after(w.delay(w.syncMax), func() { l.proc.sync() })
}

// end returns where the log ends.
func (w *world) end() int64 {
	if n := len(w.frames); n > 0 {
		return w.frames[n-1].end
	}
	return 0
}

// frameOf returns the frame that an LSN lies in; ok is false if there is none.
func (w *world) frameOf(lsn int64) (f frame, ok bool) {
	i := sort.Search(len(w.frames), func(i int) bool { return w.frames[i].end > lsn })
	if i == len(w.frames) || w.frames[i].lsn > lsn {
		return frame{}, false
	}
	return w.frames[i], true
}

// tellRecords tells, for the reader of a failure, what a frame says of leases.
func (w *world) tellRecords(b []byte) {
	for len(b) > 0 {
		e, n, err := new(record.Decoder).Decode(b)
		if err != nil {
			return
		}
		switch e.(type) {
		case *record.Topic, *record.TopicEnd, *record.Publish, *record.Txn, *record.Pop, *record.Ack, *record.Offset, *record.Trim, *record.Group, *record.GroupEnd, *record.Gap:
			w.verbose("%6d ms  step %d: %T %+v", w.now, w.step, e, e)
		default:
			w.verbose("%6d ms  step %d: %T", w.now, w.step, e)
		}
		b = b[n:]
	}
}
