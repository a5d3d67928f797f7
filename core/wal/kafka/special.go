package kafka

import (
	"encoding/binary"
	"errors"

	"github.com/gantrymq/gantry/core/wal"
)

// Flags of the records that are the log's own. They have a frame's header, no
// width in LSNs, and no place in the chain.
const (
	flagEpoch   uint16 = 1 << 14 // begins a reign
	flagRelease uint16 = 1 << 15 // ends one in order
)

// formatLevel is the version of what this package writes into a partition.
const formatLevel = 1

// nonce tells two owners apart that chose the same epoch.
type nonce [16]byte

// reignMark is the content of an EPOCH or RELEASE record.
type reignMark struct {
	nonce   nonce
	level   uint32
	shard   uint32
	cluster string // whose log this is
	node    string // who writes it: for the operator
}

// encode makes the record. lsn is the end of the log as the writer knows it.
func (m *reignMark) encode(flag uint16, epoch uint32, lsn wal.LSN, storeTime int64) []byte {
	b := make([]byte, wal.HeaderSize, 256)
	b = append(b, m.nonce[:]...)
	b = binary.LittleEndian.AppendUint32(b, m.level)
	b = binary.LittleEndian.AppendUint32(b, m.shard)
	for _, s := range []string{m.cluster, m.node} {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(s)))
		b = append(b, s...)
	}
	wal.PutHeader(b, lsn, storeTime, flag, 0)
	wal.Complete(b, lsn, epoch, 0, 0)
	return b
}

var errMark = errors.New("no such mark is known")

func decodeMark(b []byte) (m reignMark, err error) {
	if len(b) < len(m.nonce)+8 {
		return m, errMark
	}
	b = b[copy(m.nonce[:], b):]
	m.level, m.shard = binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	b = b[8:]
	for _, s := range []*string{&m.cluster, &m.node} {
		if len(b) < 2 {
			return m, errMark
		}
		n := int(binary.LittleEndian.Uint16(b))
		if b = b[2:]; len(b) < n {
			return m, errMark
		}
		*s, b = string(b[:n]), b[n:]
	}
	return m, nil
}

// openFrame verifies a record's value and returns its header. ok is false for what
// is no frame of any version.
func openFrame(value []byte) (h wal.Header, ok bool) {
	if len(value) < wal.HeaderSize || len(value) > wal.MaxFrame {
		return h, false
	}
	h = wal.ParseHeader(value)
	return h, int(h.Len) == len(value) && wal.Checksum(value, 0) == h.CRC
}

// identity tells the record at an offset from any other that could be there.
func identity(value []byte) uint32 {
	if len(value) < 8 {
		return uint32(len(value))
	}
	return wal.Checksum(value, 0)
}
