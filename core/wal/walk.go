package wal

import "fmt"

// walkAhead is how much of a log Walk reads at once.
const walkAhead = 1 << 20

// Walk passes the frames in [from, to) to fn, in order. readAt is a Log's ReadAt.
// Both ends are ends of frames, and the range lies within one segment. A frame is
// valid during the call only. Frames are not verified, as only the log knows what
// their checksums begin with: fn verifies the records.
func Walk(readAt func(p []byte, lsn LSN) (int, error), from, to LSN, fn func(Frame) error) error {
	w := walker{readAt: readAt, at: from, to: to}
	for w.at < to {
		if err := w.need(HeaderSize); err != nil {
			return err
		}
		h := ParseHeader(w.rest)
		if h.LSN != w.at || h.Len < HeaderSize || h.Len > MaxFrame || h.Version != HeaderVersion {
			return w.corrupt("no frame begins here")
		}
		if err := w.need(int(h.Len)); err != nil {
			return err
		}
		if err := fn(Frame{Header: h, Payload: w.rest[HeaderSize:h.Len]}); err != nil {
			return err
		}
		w.rest, w.at = w.rest[h.Len:], h.End()
	}
	return nil
}

// walker reads a range of a log from front to back.
type walker struct {
	readAt func(p []byte, lsn LSN) (int, error)
	at, to LSN
	rest   []byte // the log's bytes from at on, in buf
	buf    []byte
}

// need sees that the rest has n bytes at least.
func (w *walker) need(n int) error {
	have := len(w.rest)
	if n <= have {
		return nil
	}
	left := int64(w.to - w.at)
	if int64(n) > left {
		return w.corrupt("the frame goes on behind the end")
	}
	want := int(min(left, int64(max(n, walkAhead))))
	old := w.rest
	if cap(w.buf) < want {
		w.buf = make([]byte, want)
	}
	w.rest = w.buf[:want]
	copy(w.rest, old)
	if _, err := w.readAt(w.rest[have:], w.at+LSN(have)); err != nil {
		return fmt.Errorf("read the log at LSN %d: %w", w.at, err)
	}
	return nil
}

func (w *walker) corrupt(why string) error {
	return &CorruptError{Place: "segment", LSN: w.at, Why: why}
}
