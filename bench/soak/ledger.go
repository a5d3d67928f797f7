package main

import (
	"fmt"
	"time"
)

// ledger is what is known of one topic's only queue. It belongs to one worker.
type ledger struct {
	next      int64             // the next acknowledged send has this offset at least
	first     int64             // the queue's first offset is this at least
	position  int64             // of the reader
	committed int64             // as acknowledged; -1: there is none
	acked     map[int64]promise // by offset, not yet read
	doubtful  map[int64]bool    // sequence numbers of sends without an answer
}

// promise is an acknowledged message.
type promise struct {
	sequence int64
	at       time.Time // when it was sent
}

func newLedger() *ledger {
	return &ledger{committed: -1, acked: map[int64]promise{}, doubtful: map[int64]bool{}}
}

// stored notes an acknowledged send.
func (l *ledger) stored(offset, sequence int64, now time.Time) error {
	if offset < l.next {
		return fmt.Errorf("message %d got offset %d, though %d was given before", sequence, offset, l.next-1)
	}
	l.next = offset + 1
	l.acked[offset] = promise{sequence, now}
	return nil
}

// read notes that the reader, at its position, was given a message.
func (l *ledger) read(offset, sequence int64, now time.Time) error {
	if offset < l.position {
		return fmt.Errorf("offset %d was read at %d", offset, l.position)
	}
	if err := l.skip(offset, 0, now); err != nil {
		return err
	}
	l.position = offset + 1
	want, ok := l.acked[offset]
	delete(l.acked, offset)
	switch {
	case ok && want.sequence != sequence:
		return fmt.Errorf("offset %d holds message %d, and %d was acknowledged there", offset, sequence, want.sequence)
	case !ok && !l.doubtful[sequence]:
		return fmt.Errorf("offset %d holds message %d, which is there twice or was never sent", offset, sequence)
	}
	delete(l.doubtful, sequence)
	return nil
}

// skip moves the reader to an offset. No acknowledged message may lie before it,
// but those that were past their retention; 0: none.
func (l *ledger) skip(to int64, retention time.Duration, now time.Time) error {
	var lost error
	for offset := l.position; offset < to && len(l.acked) > 0; offset++ {
		p, ok := l.acked[offset]
		if !ok {
			continue
		}
		delete(l.acked, offset)
		if retention == 0 || now.Sub(p.at) < retention {
			lost = fmt.Errorf("message %d at offset %d is lost: acknowledged %v ago", p.sequence, offset, now.Sub(p.at).Round(time.Millisecond))
		}
	}
	l.position = max(l.position, to)
	return lost
}

// bounds notes the queue's first and next offset, as the server says.
func (l *ledger) bounds(first, next int64) error {
	switch {
	case first < l.first:
		return fmt.Errorf("the first offset went back from %d to %d", l.first, first)
	case next < l.next:
		return fmt.Errorf("the next offset is %d, and %d was given", next, l.next-1)
	case first > next:
		return fmt.Errorf("the first offset is %d, the next one %d", first, next)
	}
	l.first = first
	return nil
}

// deleted forgets the messages; the offsets go on. Whether the topic is gone may
// not be known, so what is doubtful stays so.
func (l *ledger) deleted() {
	clear(l.acked)
	l.position, l.committed = max(l.position, l.next), -1
}
