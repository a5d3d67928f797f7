package wal

import (
	"encoding/binary"
	"fmt"
)

// Sequence is the place in a log where its next frame goes, and the rules that
// frame must keep. Every implementation appends and recovers through one. The
// zero value is an empty log.
type Sequence struct {
	End       LSN
	StoreTime int64
	Epoch     uint32
	Chain     uint32 // CRC of the last frame, 0 before the first
	Begun     bool   // there is a last frame
	// Inside means that frames come before the first one that is looked at: its
	// chain is taken as it is.
	Inside bool
}

// Follows says why a verified frame cannot be the next one: "" if it can.
// Recovery asks it.
func (s *Sequence) Follows(h *Header) string {
	switch {
	case h.Flags&FlagSegmentStart == 0 && h.LSN != s.End, h.LSN < s.End:
		return fmt.Sprintf("the frame says LSN %d where %d follows", h.LSN, s.End)
	case h.Chain != s.Chain && (s.Begun || !s.Inside):
		return "the frame follows another one than the last"
	case h.Epoch < s.Epoch:
		return fmt.Sprintf("epoch falls from %d to %d", s.Epoch, h.Epoch)
	case h.StoreTime < s.StoreTime:
		return fmt.Sprintf("store time falls from %d to %d", s.StoreTime, h.StoreTime)
	case h.DurableLSN > h.LSN:
		return fmt.Sprintf("the frame claims durable LSN %d, past itself", h.DurableLSN)
	}
	return ""
}

// Check says what is wrong with a frame that the owner wants to append at lsn.
// It costs no more than a look at the header.
func (s *Sequence) Check(lsn LSN, frame []byte) error {
	if len(frame) < HeaderSize || len(frame) > MaxFrame {
		return fmt.Errorf("append at LSN %d: a frame of %d bytes", lsn, len(frame))
	}
	start := binary.LittleEndian.Uint16(frame[36:])&FlagSegmentStart != 0
	if lsn < s.End || lsn > s.End && !start {
		return fmt.Errorf("append at LSN %d: the log ends at %d", lsn, s.End)
	}
	if !s.Begun && !start {
		return fmt.Errorf("append at LSN %d: the first frame of a log must start a segment", lsn)
	}
	if n := binary.LittleEndian.Uint32(frame); int(n) != len(frame) {
		return fmt.Errorf("append at LSN %d: the header says %d bytes, the frame has %d", lsn, n, len(frame))
	}
	if at := LSN(binary.LittleEndian.Uint64(frame[8:])); at != lsn {
		return fmt.Errorf("append at LSN %d: the header says LSN %d", lsn, at)
	}
	if t := int64(binary.LittleEndian.Uint64(frame[24:])); t < s.StoreTime {
		return fmt.Errorf("append at LSN %d: store time falls from %d to %d", lsn, s.StoreTime, t)
	}
	return nil
}

// Advance moves past a frame, given its header and its CRC.
func (s *Sequence) Advance(h *Header) {
	s.End = h.End()
	s.StoreTime = h.StoreTime
	s.Epoch = h.Epoch
	s.Chain = h.CRC
	s.Begun = true
}
