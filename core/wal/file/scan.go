package file

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/gantrymq/gantry/core/wal"
)

// readChunk is how much recovery reads at once. A frame that is longer makes the
// buffer grow, to wal.MaxFrame at most.
const readChunk = 1 << 20

// searchWindow bounds the search for a proof behind a frame that cannot be
// verified. The owner lets far less than this be unsynced, so a frame that knows
// better lies well within it, if there is one.
const searchWindow = 32 << 20

// scanner reads the frames of a segment file.
type scanner struct {
	seg  *segment
	size int64
	buf  []byte
	at   int64 // place of buf in the file
}

// open turns the scanner to another segment.
func (c *scanner) open(s *segment) error {
	size, err := s.file.Size()
	if err != nil {
		return err
	}
	*c = scanner{seg: s, size: size, buf: c.buf[:0]}
	return nil
}

// peek returns n bytes at pos, fewer at the file's end. They are valid until the
// next call.
func (c *scanner) peek(pos int64, n int) ([]byte, error) {
	if n = int(min(int64(n), c.size-pos)); n <= 0 {
		return nil, nil
	}
	if pos < c.at || pos+int64(n) > c.at+int64(len(c.buf)) {
		if err := c.fill(pos, n); err != nil {
			return nil, err
		}
	}
	from := int(pos - c.at)
	return c.buf[from : from+n], nil
}

func (c *scanner) fill(pos int64, n int) error {
	n = int(min(int64(max(n, readChunk)), c.size-pos))
	if n > cap(c.buf) {
		c.buf = make([]byte, n)
	}
	c.buf, c.at = c.buf[:n], pos
	if got, err := c.seg.file.ReadAt(c.buf, pos); got < n {
		c.buf = c.buf[:0]
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("read %s at %d: %w", c.seg.path, pos, err)
	}
	return nil
}

// refusal says why the bytes at some place are not the next frame.
type refusal struct {
	why   string // "" if they are
	whole bool   // they are a whole frame, but not the next
}

// whyEnd is the refusal of bytes that look as those behind the last frame do.
const whyEnd = "there is no frame"

// frame reads the frame at pos. The payload is valid until the next call.
func (c *scanner) frame(pos int64) (wal.Frame, refusal, error) {
	b, err := c.peek(pos, wal.HeaderSize)
	if err != nil {
		return wal.Frame{}, refusal{}, err
	}
	if len(b) < wal.HeaderSize || bytes.Equal(b, zeros[:wal.HeaderSize]) {
		return wal.Frame{}, refusal{why: whyEnd}, nil
	}
	h := wal.ParseHeader(b)
	if b, err = c.peek(pos, int(min(h.Len, wal.MaxFrame))); err != nil {
		return wal.Frame{}, refusal{}, err
	}
	if why := c.verify(b, &h, pos); why != "" {
		return wal.Frame{}, refusal{why: why}, nil
	}
	if h.Version != wal.HeaderVersion {
		return wal.Frame{}, refusal{}, &wal.CorruptError{
			Place: c.seg.path, Pos: pos, LSN: h.LSN,
			Why: fmt.Sprintf("frame version %d; this program knows %d", h.Version, wal.HeaderVersion),
		}
	}
	return wal.Frame{Header: h, Payload: b[wal.HeaderSize:]}, refusal{}, nil
}

// verify says why b, as much as there is of it at pos, is not a frame that was
// written there: "" if it is.
func (c *scanner) verify(b []byte, h *wal.Header, pos int64) string {
	switch {
	case h.Len < wal.HeaderSize || h.Len > wal.MaxFrame:
		return fmt.Sprintf("no frame has %d bytes", h.Len)
	case h.LSN != c.seg.lsn(pos):
		return fmt.Sprintf("the header says LSN %d", h.LSN)
	case len(b) < int(h.Len):
		return "the frame passes the end of the file"
	case wal.Checksum(b, c.seg.salt) != h.CRC:
		return "wrong checksum"
	case (pos == headerPage) != (h.Flags&wal.FlagSegmentStart != 0):
		return "the first frame of a segment, and no other, starts one"
	}
	return ""
}

// remains is what lies behind the place where the frames of a log end.
type remains struct {
	proof wal.LSN // a frame there says that more was durable; 0 if none does
	used  int64   // bytes up to the last that is not zero
}

var zeros [4096]byte

// search looks through what lies at pos and after it for a frame, at whatever
// place, that says that more than end was durable.
func (c *scanner) search(pos int64, end wal.LSN) (remains, error) {
	var r remains
	limit := min(c.size, pos+searchWindow)
	start := pos
	for pos < limit {
		b, err := c.peek(pos, len(zeros))
		if err != nil {
			return r, err
		}
		if bytes.Equal(b, zeros[:len(b)]) {
			// A header may begin in the last bytes, before the first that is not zero.
			pos += int64(max(1, len(b)-3))
			continue
		}
		r.used = pos - start + int64(len(bytes.TrimRight(b, "\x00")))
		next, found := c.candidate(b, pos)
		if !found {
			pos += int64(max(1, len(b)-15))
			continue
		}
		f, no, err := c.frame(next)
		if err != nil {
			return r, err
		}
		if no.why == "" && f.DurableLSN > end && f.DurableLSN <= f.LSN {
			r.proof = f.LSN
			return r, nil
		}
		pos = next + 1
	}
	return r, nil
}

// candidate returns the first place in b, which lies at pos, where a header
// could begin: one with a length and with the LSN of that place.
func (c *scanner) candidate(b []byte, pos int64) (int64, bool) {
	lsn := uint64(c.seg.lsn(pos))
	for i := 0; i+16 <= len(b); i++ {
		if binary.LittleEndian.Uint64(b[i+8:]) == lsn+uint64(i) && binary.LittleEndian.Uint32(b[i:]) != 0 {
			return pos + int64(i), true
		}
	}
	return 0, false
}
