package kafka

import (
	"fmt"

	"github.com/gantrymq/gantry/core/wal"
)

// verdict is what a record of the partition is.
type verdict uint8

const (
	foreign  verdict = iota // no frame: somebody else's, or Kafka's own
	accepted                // an EPOCH that begins a reign
	late                    // an EPOCH that comes after a newer one
	released                // the current reign ended in order
	stale                   // of an earlier reign, or behind its end
	repeated                // a frame that is in the log already
	hole                    // behind a frame that never came; it was not acknowledged
	live                    // the log's next frame
	loss                    // what was acknowledged is missing
	newer                   // written by a program that knows more than this one
)

// fold is the rule by which every reader of a partition sees the same log: it is
// shown the records in the order of their offsets. The zero value is that of an
// empty partition.
type fold struct {
	epoch    uint32
	nonce    nonce
	released bool
	next     wal.LSN
	chain    uint32
	time     int64 // store time of the last frame
	existed  bool  // there was an owner before
	begun    bool  // there was a frame before
	// inside: the partition does not begin at its beginning. Its first record is a
	// frame that counts, whatever was before.
	inside bool
	mark   reignMark // of the newest reign whose EPOCH was read
	why    string    // of a loss
}

// take judges the next record. h is its header, if it is a frame.
func (f *fold) take(r *Record) (v verdict, h wal.Header) {
	if r.Control {
		return foreign, h
	}
	h, ok := openFrame(r.Value)
	switch {
	case !ok:
		return foreign, h
	case h.Version != wal.HeaderVersion:
		f.why = fmt.Sprintf("a frame of version %d; this program knows %d", h.Version, wal.HeaderVersion)
		return newer, h
	case h.Flags&flagEpoch != 0:
		return f.takeEpoch(r.Value[wal.HeaderSize:], &h), h
	case h.Flags&flagRelease != 0:
		return f.takeRelease(r.Value[wal.HeaderSize:], &h), h
	}
	return f.takeFrame(&h), h
}

func (f *fold) takeEpoch(content []byte, h *wal.Header) verdict {
	m, err := decodeMark(content)
	switch {
	case err != nil:
		return foreign
	case m.level > formatLevel:
		f.why = fmt.Sprintf("a reign of format level %d; this program knows %d", m.level, formatLevel)
		return newer
	case f.existed && h.Epoch <= f.epoch:
		return late
	}
	f.epoch, f.nonce, f.released, f.existed, f.mark = h.Epoch, m.nonce, false, true, m
	return accepted
}

func (f *fold) takeRelease(content []byte, h *wal.Header) verdict {
	m, err := decodeMark(content)
	if err != nil {
		return foreign
	}
	if h.Epoch != f.epoch || m.nonce != f.nonce || f.released {
		return stale
	}
	f.released = true
	return released
}

func (f *fold) takeFrame(h *wal.Header) verdict {
	if f.inside && !f.begun {
		f.epoch, f.existed = h.Epoch, true
		f.advance(h)
		return live
	}
	follows := h.Chain == f.chain && h.LSN >= f.next &&
		(h.LSN == f.next || h.Flags&wal.FlagSegmentStart != 0)
	switch {
	case !f.existed || h.Epoch > f.epoch:
		return f.lost("the frame at LSN %d has epoch %d, which nobody began", h.LSN, h.Epoch)
	case h.Epoch < f.epoch || f.released:
		return stale
	case h.LSN < f.next:
		return repeated
	case follows:
		f.advance(h)
		return live
	case h.LSN == f.next:
		return f.lost("the frame at LSN %d follows another one than the last", h.LSN)
	case h.DurableLSN <= f.next:
		return hole
	}
	return f.lost("the log goes up to LSN %d here, and the frame at %d was written when LSN %d was acknowledged", f.next, h.LSN, h.DurableLSN)
}

func (f *fold) lost(format string, args ...any) verdict {
	f.why = fmt.Sprintf(format, args...)
	return loss
}

func (f *fold) advance(h *wal.Header) {
	f.next, f.chain, f.time, f.begun = h.End(), h.CRC, h.StoreTime, true
}
