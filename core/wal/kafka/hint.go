package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gantrymq/gantry/core/wal"
)

// hintStore keeps where segments lie, so that a start need not read the log from
// its beginning. It is only a hint: what it says is looked at before it is believed.
type hintStore interface {
	load(ctx context.Context) ([]segment, error)
	save(ctx context.Context, all []segment) error
}

// hintSize is the length of an entry: base u64, end u64, offset u64, epoch u32,
// chain u32, crc u32. A crc of all before it follows the last one.
const hintSize = 36

func (s *store) load(context.Context) ([]segment, error) {
	b := s.hintValue
	if len(b) == 0 {
		return nil, nil
	}
	n := len(b) - 4
	if n%hintSize != 0 || n < 0 || crc32.ChecksumIEEE(b[:n]) != binary.LittleEndian.Uint32(b[n:]) {
		return nil, errors.New("it is damaged")
	}
	var all []segment
	for b = b[:n]; len(b) > 0; b = b[hintSize:] {
		le := binary.LittleEndian
		p := place{
			lsn: wal.LSN(le.Uint64(b)), offset: int64(le.Uint64(b[16:])),
			epoch: le.Uint32(b[24:]), chain: le.Uint32(b[28:]), crc: le.Uint32(b[32:]),
		}
		all = append(all, segment{place: p, end: wal.LSN(le.Uint64(b[8:])), marks: []place{p}})
	}
	return all, nil
}

func (s *store) save(ctx context.Context, all []segment) error {
	var b []byte
	le := binary.LittleEndian
	for i := range all {
		x := &all[i]
		b = le.AppendUint64(b, uint64(x.lsn))
		b = le.AppendUint64(b, uint64(x.end))
		b = le.AppendUint64(b, uint64(x.offset))
		b = le.AppendUint32(b, x.epoch)
		b = le.AppendUint32(b, x.chain)
		b = le.AppendUint32(b, x.crc)
	}
	b = le.AppendUint32(b, crc32.ChecksumIEEE(b))
	return s.produce(ctx, &kgo.Record{Partition: s.meta.num, Key: []byte(hintKey), Value: b})
}
