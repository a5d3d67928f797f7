package index

import (
	"encoding/binary"
	"fmt"
	"io"
	"sort"

	"github.com/gantrymq/gantry/core/internal/model"
)

// Sealed is the index part of one segment, open for look-ups. They read little
// and verify what they read, may run on any goroutine and at once, and fail with
// ErrDamaged, or with what the reader fails with.
type Sealed struct {
	header    header
	layout    layout
	blocks    blockReader
	fences    []uint32 // of the record starts
	directory []row    // until an Index has taken it over; the Index's owner's
}

// OpenSealed opens the part of size bytes that r reads. It reads the header and the
// directory. r stays the caller's: it closes it once nobody uses the Sealed.
func OpenSealed(r io.ReaderAt, size int64) (*Sealed, error) {
	s := &Sealed{blocks: blockReader{r: r}}
	if err := s.open(size); err != nil {
		return nil, err
	}
	s.directory = make([]row, 0, s.header.rows)
	err := s.eachRow(0, int64(s.header.rows), func(r *row) bool {
		s.directory = append(s.directory, *r)
		return true
	})
	if err != nil {
		return nil, err
	}
	if err := s.openStarts(); err != nil {
		return nil, err
	}
	return s, nil
}

// open reads the header.
func (s *Sealed) open(size int64) error {
	var block [blockSize]byte
	n, err := s.blocks.r.ReadAt(block[:], 0)
	if n < len(magic)+4 || string(block[:len(magic)]) != magic {
		if err != nil && err != io.EOF {
			return fmt.Errorf("read the header: %w", err)
		}
		return fmt.Errorf("%w: it does not begin as one", ErrDamaged)
	}
	if err := s.blocks.read(block[:], 0); err != nil {
		return err
	}
	if v := binary.LittleEndian.Uint32(block[len(magic):]); v < plainVersion || v > version {
		return fmt.Errorf("%w: %d", ErrVersion, v)
	}
	if s.header, err = parseHeader(block[:]); err != nil {
		return err
	}
	s.layout = s.header.layout()
	if size != s.layout.end*blockSize {
		return fmt.Errorf("%w: %d bytes, not %d", ErrDamaged, size, s.layout.end*blockSize)
	}
	s.blocks.seed = binary.LittleEndian.Uint32(block[blockRoom:])
	return nil
}

// eachRow reads n rows of the directory from one on, and checks that they are some. A
// row is valid during fn only.
func (s *Sealed) eachRow(from, n int64, fn func(*row) bool) error {
	var last, r row // r is passed on: declared here, it is allocated once
	good, went := true, true
	err := s.blocks.each(s.layout.rows, rowSize, from, n, func(i int64, item []byte) bool {
		r = parseRow(item)
		if i == from && from > 0 {
			last.at = r.at // what is before it was not read
		}
		if good = r.follows(&last) && int64(r.at)+int64(r.n) <= int64(s.header.entries); good {
			last = r
			went = fn(&r)
		}
		return good && went
	})
	if err != nil {
		return fmt.Errorf("directory: %w", err)
	}
	complete := from+n == int64(s.header.rows)
	if !good || went && complete && last.at+last.n != s.header.entries {
		return fmt.Errorf("%w: directory", ErrDamaged)
	}
	return nil
}

// openStarts reads the fences of the record starts.
func (s *Sealed) openStarts() error {
	s.fences = make([]uint32, 0, s.header.starts)
	rising := true
	err := s.blocks.each(s.layout.startFences, posSize, 0, int64(s.header.starts), func(i int64, item []byte) bool {
		pos := binary.LittleEndian.Uint32(item)
		rising = i == 0 || s.fences[i-1] < pos
		s.fences = append(s.fences, pos)
		return rising
	})
	if err != nil {
		return fmt.Errorf("record starts: %w", err)
	}
	if !rising {
		return fmt.Errorf("%w: record starts", ErrDamaged)
	}
	return nil
}

// Shard returns the shard that the segment is of.
func (s *Sealed) Shard() model.ShardID { return s.header.shard }

// Base returns where the segment begins.
func (s *Sealed) Base() model.LSN { return s.header.base }

// End returns where the segment ends.
func (s *Sealed) End() model.LSN { return s.header.end }

// Follows tells whether the segment before, if there is one, ended at an LSN.
func (s *Sealed) Follows(end model.LSN) bool { return s.header.after == end }

// Times returns when the segment's first and last message were stored; 0 without any.
func (s *Sealed) Times() (first, last int64) { return s.header.first, s.header.last }

// Messages returns how many messages the segment has.
func (s *Sealed) Messages() int { return int(s.header.entries) }

// Extent is a run of a queue's messages in a segment, as the part's directory has it.
type Extent struct {
	Topic model.TopicID
	Queue int32
	Bytes int64 // of its records
	Range
}

// Runs returns how many runs of messages the segment has.
func (s *Sealed) Runs() int { return int(s.header.rows) }

// Extents passes the runs of messages, so many from a number on, to fn, by topic,
// queue and offset, until fn returns false.
func (s *Sealed) Extents(from, limit int, fn func(Extent) bool) error {
	n := min(limit, s.Runs()-from)
	if n <= 0 {
		return nil
	}
	return s.eachRow(int64(from), int64(n), func(r *row) bool { return fn(s.extentOf(r)) })
}

func (s *Sealed) extentOf(r *row) Extent {
	return Extent{
		Topic: r.topic, Queue: r.queue, Bytes: int64(r.bytes),
		Range: Range{
			First: r.first, End: r.end(), Segment: s.header.base,
			FirstTime: s.header.first + int64(r.firstTime), LastTime: s.header.first + int64(r.lastTime),
			Sealed: s, extent: extent{first: r.first, n: r.n, at: r.at, sealed: true},
		},
	}
}

// readEntries passes n entries from number at on to fn, until fn returns false.
func (s *Sealed) readEntries(at int64, n int, fn func(i int, e entry) bool) error {
	return s.blocks.each(s.layout.entries, entrySize, at, int64(n), func(i int64, item []byte) bool {
		return fn(int(i-at), parseEntry(item))
	})
}

// Record tells whether the record of a message begins at lsn, and its size.
func (s *Sealed) Record(lsn model.LSN) (size int, ok bool, err error) {
	if lsn < s.header.base || lsn >= s.header.end {
		return 0, false, nil
	}
	pos := uint32(lsn - s.header.base)
	i := sort.Search(len(s.fences), func(i int) bool { return s.fences[i] > pos }) - 1
	if i < 0 {
		return 0, false, nil
	}
	block := s.blocks.buffer()
	defer s.blocks.buffers.Put(block)
	if err := s.blocks.read(block[:], s.layout.starts+int64(i)); err != nil {
		return 0, false, fmt.Errorf("record starts: %w", err)
	}
	size, ok = findStart(block[:blockRoom], pos)
	return size, ok, nil
}

const keysPerBlock = blockRoom / keySize

// Keys passes the messages whose key has that hash to fn, oldest first, until fn
// returns false.
func (s *Sealed) Keys(hash uint64, fn func(lsn model.LSN) bool) error {
	below := int64(0) // blocks whose first key has a lower hash
	fences := blocks(s.header.keys, keySize)
	err := s.blocks.each(s.layout.keyFences, hashSize, 0, fences, func(_ int64, item []byte) bool {
		if binary.LittleEndian.Uint64(item) >= hash {
			return false
		}
		below++
		return true
	})
	if err != nil {
		return fmt.Errorf("fences of keys: %w", err)
	}
	from := max(below-1, 0) * keysPerBlock
	err = s.blocks.each(s.layout.keys, keySize, from, int64(s.header.keys)-from, func(_ int64, item []byte) bool {
		h := binary.LittleEndian.Uint64(item)
		return h < hash || h == hash && fn(s.header.base+model.LSN(binary.LittleEndian.Uint32(item[hashSize:])))
	})
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	return nil
}

// memory returns how much memory the part takes while it is open.
func (s *Sealed) memory() int64 {
	return int64(cap(s.fences))*posSize + int64(cap(s.directory))*rowMemory
}

const rowMemory = 40
