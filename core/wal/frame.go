package wal

import (
	"encoding/binary"
	"hash/crc32"
)

// HeaderSize is the length of a frame's header.
const HeaderSize = 48

// HeaderVersion is the version of the frame layout that this package writes.
const HeaderVersion = 1

// MaxFrame is the largest frame of any WAL: the largest Unit (6 MiB) with room
// for headers. Core closes ordinary frames at 1 MiB.
const MaxFrame = 8 << 20

// Flags of a frame.
const (
	// FlagSegmentStart marks the first frame of a segment: core decides where
	// one begins, so that segments are equal on every engine and after replay.
	FlagSegmentStart uint16 = 1 << 0
	// FlagIdleMark marks an empty frame written when the log goes idle: it proves
	// the frames before it, so that damage in them is not taken for a torn tail.
	FlagIdleMark uint16 = 1 << 1
)

// Header is a frame's header. All integers are little endian.
type Header struct {
	Len        uint32 // of the whole frame, header included
	CRC        uint32 // CRC-32/IEEE of the bytes from LSN to the frame's end, seeded with the segment's salt
	LSN        LSN
	DurableLSN LSN   // everything below was durable when the frame was written
	StoreTime  int64 // ms since 1970; never falls within a log
	Epoch      uint32
	Flags      uint16
	Version    uint16
	Count      uint32 // records in the payload
	Chain      uint32 // CRC of the log's previous frame
}

// End returns the LSN behind the frame.
func (h *Header) End() LSN { return h.LSN + LSN(h.Len) }

// PutHeader writes what the log's owner knows of a header: Len, LSN, StoreTime,
// Flags, Version and Count. b is the whole frame.
func PutHeader(b []byte, lsn LSN, storeTime int64, flags uint16, count uint32) {
	binary.LittleEndian.PutUint32(b[0:], uint32(len(b)))
	binary.LittleEndian.PutUint64(b[8:], uint64(lsn))
	binary.LittleEndian.PutUint64(b[24:], uint64(storeTime))
	binary.LittleEndian.PutUint16(b[36:], flags)
	binary.LittleEndian.PutUint16(b[38:], HeaderVersion)
	binary.LittleEndian.PutUint32(b[40:], count)
}

// Complete writes what the log itself knows, and the checksum over all.
func Complete(b []byte, durable LSN, epoch, chain, salt uint32) (crc uint32) {
	binary.LittleEndian.PutUint64(b[16:], uint64(durable))
	binary.LittleEndian.PutUint32(b[32:], epoch)
	binary.LittleEndian.PutUint32(b[44:], chain)
	crc = Checksum(b, salt)
	binary.LittleEndian.PutUint32(b[4:], crc)
	return crc
}

// Checksum computes the CRC of a frame. The salt is random for each segment
// file, so that stale bytes of a reused one never verify.
func Checksum(b []byte, salt uint32) uint32 {
	return crc32.Update(salt, crc32.IEEETable, b[8:])
}

// ParseHeader reads a header. It checks nothing; b holds at least HeaderSize bytes.
func ParseHeader(b []byte) Header {
	return Header{
		Len:        binary.LittleEndian.Uint32(b[0:]),
		CRC:        binary.LittleEndian.Uint32(b[4:]),
		LSN:        LSN(binary.LittleEndian.Uint64(b[8:])),
		DurableLSN: LSN(binary.LittleEndian.Uint64(b[16:])),
		StoreTime:  int64(binary.LittleEndian.Uint64(b[24:])),
		Epoch:      binary.LittleEndian.Uint32(b[32:]),
		Flags:      binary.LittleEndian.Uint16(b[36:]),
		Version:    binary.LittleEndian.Uint16(b[38:]),
		Count:      binary.LittleEndian.Uint32(b[40:]),
		Chain:      binary.LittleEndian.Uint32(b[44:]),
	}
}
