package waltool

import (
	"errors"
	"fmt"

	"github.com/gantrymq/gantry/core/record"
	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/file"
)

// item is a record and where it lies.
type item struct {
	at    file.Place
	lsn   wal.LSN
	frame *wal.Header
	kind  record.Kind
	bytes int
	entry record.Entry // nil: a kind that this version does not know
}

func (i *item) damage(why string) *Damage { return &Damage{i.at.File, i.at.Pos, i.lsn, why} }

// errStop ends a walk whose end is known already.
var errStop = errors.New("stop")

// walker reads records, frame by frame.
type walker struct {
	decoder record.Decoder
	frames  int
	bytes   int64
	damage  *Damage
}

// walk hands the records from an LSN on to fn, up to the first damage. fn may
// return errStop.
func (w *walker) walk(i *file.Inspection, from wal.LSN, fn func(*item) error) (file.Tail, error) {
	tail, err := i.Walk(from, func(at file.Place, f wal.Frame) error {
		w.frames++
		w.bytes += int64(f.Len)
		return w.frame(at, &f, from, fn)
	})
	if errors.Is(err, errStop) {
		err = nil
	}
	if w.damage == nil && err == nil {
		w.damage = damage(tail.Damage)
	}
	return tail, err
}

// frame takes a frame apart.
func (w *walker) frame(at file.Place, f *wal.Frame, from wal.LSN, fn func(*item) error) error {
	count := uint32(0)
	for rest := f.Payload; len(rest) > 0; count++ {
		off := wal.HeaderSize + len(f.Payload) - len(rest)
		it := item{
			at:    file.Place{File: at.File, Pos: at.Pos + int64(off)},
			lsn:   f.LSN + wal.LSN(off),
			frame: &f.Header,
		}
		var err error
		if it.kind, _, it.bytes, err = record.Open(rest); err != nil {
			w.damage = it.damage(err.Error())
			return errStop
		}
		it.entry, _, err = w.decoder.Decode(rest)
		if err != nil && kindNames[it.kind] != "" {
			w.damage = it.damage(err.Error())
			return errStop
		}
		rest = rest[it.bytes:]
		if it.lsn < from {
			continue
		}
		if err := fn(&it); err != nil {
			return err
		}
	}
	if count != f.Count {
		w.damage = &Damage{at.File, at.Pos, f.LSN, fmt.Sprintf("the frame holds %d records, its header says %d", count, f.Count)}
		return errStop
	}
	return nil
}
