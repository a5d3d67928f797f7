package shard

import (
	"fmt"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/wal"
)

// walkChunk is how much of a segment is read at once.
const walkChunk = 1 << 20

// walkFrames passes the frames of one segment from one LSN to another to fn.
// Payloads are valid during the call only, and not verified: records are.
func walkFrames(log wal.Log, from, end model.LSN, fn func(h wal.Header, payload []byte) error) error {
	w := frameWalk{log: log, at: from, end: end}
	for w.at < end {
		head, err := w.peek(wal.HeaderSize)
		if err != nil {
			return err
		}
		h := wal.ParseHeader(head)
		if h.LSN != w.at || h.Len < wal.HeaderSize || h.Len > wal.MaxFrame || h.End() > end {
			return fmt.Errorf("there is no frame at LSN %d", w.at)
		}
		frame, err := w.peek(int(h.Len))
		if err != nil {
			return err
		}
		if err := fn(h, frame[wal.HeaderSize:]); err != nil {
			return err
		}
		w.at += model.LSN(h.Len)
	}
	return nil
}

// frameWalk reads ahead.
type frameWalk struct {
	log     wal.Log
	at, end model.LSN
	buf     []byte
	bufAt   model.LSN
}

// peek returns n bytes at the walk's place.
func (w *frameWalk) peek(n int) ([]byte, error) {
	if skip := int64(w.at - w.bufAt); skip >= 0 && skip+int64(n) <= int64(len(w.buf)) {
		return w.buf[skip : skip+int64(n)], nil
	}
	size := int(min(int64(max(n, walkChunk)), int64(w.end-w.at)))
	if size < n {
		return nil, fmt.Errorf("the frame at LSN %d passes the segment's end", w.at)
	}
	if cap(w.buf) < size {
		w.buf = make([]byte, size)
	}
	w.buf, w.bufAt = w.buf[:size], w.at
	if _, err := w.log.ReadAt(w.buf, w.at); err != nil {
		w.buf = w.buf[:0]
		return nil, err
	}
	return w.buf[:n], nil
}
