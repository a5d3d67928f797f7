package index

import "encoding/binary"

// starts is where the records of messages begin, in the order of the log: an
// address from outside is followed only if it is one of them. Each block stands
// for itself:   position u32 | (gap uvarint | size uvarint) ... | zeros
// The gap is what lies between a record and the one before, 0 for a block's first.
type starts struct {
	blocks []byte   // rooms of blocks, the last one open
	fences []uint32 // position of each block's first record
	end    uint32   // behind the last record
}

func (s *starts) add(pos, size uint32) {
	var item [2 * binary.MaxVarintLen32]byte
	n := binary.PutUvarint(item[:], uint64(pos-s.end))
	n += binary.PutUvarint(item[n:], uint64(size))
	full := len(s.fences) * blockRoom
	if len(s.blocks)+n > full {
		s.blocks = append(s.blocks, make([]byte, full-len(s.blocks))...)
		s.blocks = binary.LittleEndian.AppendUint32(s.blocks, pos)
		s.fences = append(s.fences, pos)
		n = 1 + binary.PutUvarint(item[1:], uint64(size))
		item[0] = 0
	}
	s.blocks = append(s.blocks, item[:n]...)
	s.end = pos + size
}

// findStart looks for a record in the room of a block.
func findStart(room []byte, pos uint32) (size int, ok bool) {
	at := uint64(binary.LittleEndian.Uint32(room))
	for rest := room[posSize:]; ; {
		gap, n := binary.Uvarint(rest)
		if n <= 0 {
			return 0, false
		}
		length, m := binary.Uvarint(rest[n:])
		if m <= 0 || length == 0 {
			return 0, false
		}
		rest = rest[n+m:]
		if at += gap; at >= uint64(pos) {
			return int(length), at == uint64(pos)
		}
		at += length
	}
}
