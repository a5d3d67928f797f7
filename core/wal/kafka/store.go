package kafka

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gantrymq/gantry/core/wal"
)

// store is a shard's two partitions of the topic of parts: manifests, which every
// start reads, and chunks, which are read where a manifest says they lie.
type store struct {
	client    *kgo.Client
	topic     string
	meta      *partition
	bulk      *partition
	log       [16]byte // id of the log's topic
	cluster   string
	accept    bool // of another topic of the log too
	logger    *slog.Logger
	hintValue []byte // as it was when the manifests were read
}

// Partitions of the topic of parts that a shard has.
func metaPartition(s wal.ShardID) int32 { return 2 * int32(s) }
func bulkPartition(s wal.ShardID) int32 { return 2*int32(s) + 1 }

type partState uint8

const (
	stateWriting partState = 1 + iota
	statePresent
	stateDoomed
)

// manifest says what a part is, and where its chunks lie.
type manifest struct {
	name   string
	id     [16]byte
	state  partState
	size   int64
	chunks []chunk
	at     int64 // its own offset
}

type chunk struct {
	offset int64
	crc    uint32
}

const (
	manifestVersion = 1
	manifestPrefix  = "m/"
	hintKey         = "places"
	storeTimeout    = 30 * time.Second
)

func (m *manifest) key() string { return manifestPrefix + m.name + "/" + hex.EncodeToString(m.id[:]) }

func (m *manifest) chunkKey(i int) []byte {
	return fmt.Appendf(nil, "c/%s/%d", hex.EncodeToString(m.id[:]), i)
}

// encode: version u8, state u8, topic id of the log 16, cluster (u16 length),
// size u64, count u32, for each chunk offset u64, crc u32.
func (s *store) encode(m *manifest) []byte {
	b := []byte{manifestVersion, byte(m.state)}
	b = append(b, s.log[:]...)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(s.cluster)))
	b = append(b, s.cluster...)
	b = binary.LittleEndian.AppendUint64(b, uint64(m.size))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(m.chunks)))
	for _, c := range m.chunks {
		b = binary.LittleEndian.AppendUint64(b, uint64(c.offset))
		b = binary.LittleEndian.AppendUint32(b, c.crc)
	}
	return b
}

// errElsewhere: the part belongs to another log.
var errElsewhere = errors.New("a part of another log")

func (s *store) decode(key string, b []byte) (*manifest, error) {
	name, id, ok := strings.Cut(strings.TrimPrefix(key, manifestPrefix), "/")
	m := &manifest{name: name}
	if raw, err := hex.DecodeString(id); !ok || err != nil || copy(m.id[:], raw) != len(m.id) || len(b) < 20 {
		return nil, errors.New("no manifest")
	}
	if b[0] != manifestVersion {
		return nil, fmt.Errorf("version %d; this program knows %d", b[0], manifestVersion)
	}
	m.state = partState(b[1])
	log, n := [16]byte(b[2:18]), int(binary.LittleEndian.Uint16(b[18:]))
	if b = b[20:]; len(b) < n+12 {
		return nil, errors.New("no manifest")
	}
	if log != s.log || string(b[:n]) != s.cluster {
		return nil, fmt.Errorf("%w: that of cluster %q in the topic with id %x; this is cluster %q, and the log's topic has id %x",
			errElsewhere, b[:n], log, s.cluster, s.log)
	}
	b = b[n:]
	m.size = int64(binary.LittleEndian.Uint64(b))
	count := int(binary.LittleEndian.Uint32(b[8:]))
	if b = b[12:]; len(b) != 12*count || m.size < 0 || m.size > int64(count)*chunkBytes {
		return nil, errors.New("no manifest")
	}
	for ; len(b) > 0; b = b[12:] {
		m.chunks = append(m.chunks, chunk{int64(binary.LittleEndian.Uint64(b)), binary.LittleEndian.Uint32(b[8:])})
	}
	return m, nil
}

// manifests reads all that there are, in the order in which they were written.
func (s *store) manifests(ctx context.Context) ([]*manifest, error) {
	latest := map[string]*Keyed{}
	err := s.meta.scan(ctx, func(r Keyed) { latest[r.Key] = &r })
	if err != nil {
		return nil, fmt.Errorf("read topic %s: %w", s.topic, err)
	}
	var all []*manifest
	for _, key := range slices.Sorted(maps.Keys(latest)) {
		r := latest[key]
		switch {
		case len(r.Value) == 0:
		case key == hintKey:
			s.hintValue = r.Value
		case strings.HasPrefix(key, manifestPrefix):
			m, err := s.decode(key, r.Value)
			if errors.Is(err, errElsewhere) && s.accept {
				continue
			}
			if err != nil {
				return nil, &FatalError{fmt.Errorf("topic %s, offset %d: %s: %w", s.topic, r.Offset, key, err)}
			}
			m.at = r.Offset
			all = append(all, m)
		}
	}
	slices.SortFunc(all, byOffset)
	return all, nil
}

func (s *store) putManifest(ctx context.Context, m *manifest) error {
	return s.produce(ctx, &kgo.Record{Partition: s.meta.num, Key: []byte(m.key()), Value: s.encode(m)})
}

func (s *store) eraseManifest(ctx context.Context, m *manifest) error {
	return s.produce(ctx, &kgo.Record{Partition: s.meta.num, Key: []byte(m.key())})
}

// putChunks sends n chunks of a part and notes where they lie.
func (s *store) putChunks(ctx context.Context, c *content, from, n int) error {
	records := make([]*kgo.Record, n)
	for i := range records {
		b, err := c.chunk(ctx, s, from+i)
		if err != nil {
			return err
		}
		records[i] = &kgo.Record{Partition: s.bulk.num, Key: c.manifest.chunkKey(from + i), Value: b}
	}
	if err := s.produce(ctx, records...); err != nil {
		return err
	}
	for i, r := range records {
		if r.Offset < 0 {
			return errors.New("a chunk was acknowledged, and nobody knows where")
		}
		c.chunks[from+i].offset = r.Offset
	}
	return nil
}

func (s *store) eraseChunks(ctx context.Context, m *manifest) error {
	var records []*kgo.Record
	for i := range m.chunks {
		records = append(records, &kgo.Record{Partition: s.bulk.num, Key: m.chunkKey(i)})
	}
	return s.produce(ctx, records...)
}

func (s *store) produce(ctx context.Context, records ...*kgo.Record) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	for _, r := range records {
		r.Topic = s.topic
	}
	return explain(s.client.ProduceSync(ctx, records...).FirstErr())
}

// fetchChunk reads a chunk where its manifest says it lies.
func (s *store) fetchChunk(ctx context.Context, m *manifest, i int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	at := m.chunks[i].offset
	b, err := s.bulk.Fetch(ctx, at, 2*chunkBytes)
	if err != nil {
		return nil, err
	}
	if len(b.Records) == 0 || b.Records[0].Offset != at {
		return nil, fmt.Errorf("topic %s: the chunk at offset %d is gone", s.topic, at)
	}
	return b.Records[0].Value, nil
}
