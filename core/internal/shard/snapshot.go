package shard

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/state"
	"github.com/gantrymq/gantry/core/wal"
)

const (
	// A snapshot is due after this much log, or this many times its own size:
	// so much is replayed at most.
	snapshotBytes = 64 << 20
	snapshotTimes = 4
	// snapshotSlice is how many entries a step saves: well below 200 µs.
	snapshotSlice = 500
	// snapshotsKept: should the newest be damaged, there is one before it.
	snapshotsKept = 2
)

// snapshots writes the state down now and then, so that a start replays little.
// The docs are docs/format/snapshot.md.
type snapshots struct {
	taking  *state.Snapshot
	image   [][]byte // complete, in pieces, and waits until its LSN is durable
	writing bool
	at      model.LSN // of the one being taken or written
	time    int64     // store time there
	begun   model.LSN // where the newest began
	size    int64     // of the newest
	kept    []model.LSN
	wanted  bool     // for more reason than the log's growth
	damaged []string // parts that recovery passed over
}

// step does what a step of the loop does for snapshots. No frame is open.
func (n *snapshots) step(s *Shard) {
	switch {
	case s.Err() != nil || n.writing:
	case n.taking != nil:
		if n.taking.Slice(snapshotSlice) {
			n.image, n.taking = n.taking.Image(), nil
			n.size = imageSize(n.image)
		}
		s.chores.again(s)
	case n.image != nil:
		if s.durable >= n.at {
			n.write(s)
		} else {
			s.log.Flush()
		}
	case n.due(s):
		n.begin(s)
		s.chores.again(s)
	}
}

func (n *snapshots) due(s *Shard) bool {
	if s.end == n.begun {
		return false // it would be the same one again
	}
	return n.wanted || int64(s.end-n.begun) >= max(s.cfg.SnapshotBytes, snapshotTimes*n.size)
}

func (n *snapshots) begin(s *Shard) {
	n.wanted = false
	n.at, n.begun, n.time = s.end, s.end, s.storeTime
	n.taking = s.state.BeginSnapshot()
}

// write stores the image, and then forgets the oldest ones.
func (n *snapshots) write(s *Shard) {
	n.writing = true
	shard, at, storeTime, image := s.cfg.Shard, n.at, n.time, n.image
	n.image = nil
	parts, gone := s.log.Parts(), n.outlived()
	s.apart(&s.files, func() func(*Shard) {
		err := parts.Put(snapshotName(at), snapshotReader(snapshotHeader(shard, at, storeTime, image), image))
		for _, lsn := range gone {
			if err == nil {
				err = parts.Delete(snapshotName(lsn))
			}
		}
		return func(s *Shard) { s.snapshots.written(s, at, err) }
	})
}

// outlived returns the snapshots that go once one more stands.
func (n *snapshots) outlived() []model.LSN {
	return n.kept[:max(len(n.kept)+1-snapshotsKept, 0)]
}

func (n *snapshots) written(s *Shard, at model.LSN, err error) {
	n.writing = false
	if err != nil {
		// The log stands for itself: a start replays more. The next one is tried in time.
		s.logger.Warn("a snapshot could not be written", "shard", s.cfg.Shard, "lsn", at, "err", err)
		return
	}
	n.kept = append(slices.Clone(n.kept[len(n.outlived()):]), at)
	s.count.Snapshots++
	s.retention.wake(s)
}

// lastBytes of log are replayed rather than written down at an orderly stop.
const lastBytes = 1 << 20

// last takes a last snapshot, so that the next start replays little. It reports
// whether the shard may close: one that was begun is completed.
func (n *snapshots) last(s *Shard) (done bool) {
	if s.Err() != nil {
		return true
	}
	if n.taking == nil && n.image == nil && int64(s.end-n.begun) > lastBytes {
		n.begin(s)
	}
	for n.taking != nil {
		n.step(s)
	}
	if n.image != nil {
		n.step(s)
	}
	return n.image == nil && !n.writing
}

// safe returns up to where no start needs the log for its state: the older of
// the kept snapshots. ok is false while there are not two.
func (n *snapshots) safe() (model.LSN, bool) {
	if len(n.kept) < snapshotsKept {
		return 0, false
	}
	return n.kept[0], true
}

const (
	snapshotPrefix     = "snap-"
	snapshotMagic      = "GANTRYSN"
	snapshotVersion    = 1
	snapshotHeaderSize = 48
)

func snapshotName(lsn model.LSN) string { return fmt.Sprintf("%s%020d", snapshotPrefix, lsn) }

// snapshotHeader is what stands before an image: magic 8, version u32, shard
// u32, LSN u64, store time u64, length u64, crc of the image u32, crc of all
// before it u32.
func snapshotHeader(shard model.ShardID, lsn model.LSN, storeTime int64, image [][]byte) []byte {
	b := []byte(snapshotMagic)
	b = binary.LittleEndian.AppendUint32(b, snapshotVersion)
	b = binary.LittleEndian.AppendUint32(b, uint32(shard))
	b = binary.LittleEndian.AppendUint64(b, uint64(lsn))
	b = binary.LittleEndian.AppendUint64(b, uint64(storeTime))
	b = binary.LittleEndian.AppendUint64(b, uint64(imageSize(image)))
	sum := uint32(0)
	for _, piece := range image {
		sum = crc32.Update(sum, crc32.IEEETable, piece)
	}
	b = binary.LittleEndian.AppendUint32(b, sum)
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

func imageSize(image [][]byte) (n int64) {
	for _, piece := range image {
		n += int64(len(piece))
	}
	return n
}

func snapshotReader(header []byte, image [][]byte) io.Reader {
	readers := []io.Reader{bytes.NewReader(header)}
	for _, piece := range image {
		readers = append(readers, bytes.NewReader(piece))
	}
	return io.MultiReader(readers...)
}

// loaded is a snapshot that was read back.
type loaded struct {
	state     *state.State
	lsn       model.LSN
	storeTime int64
	size      int64
}

var errSnapshot = errors.New("damaged")

// foreignError tells of a part that is whole, and of other make or from elsewhere.
type foreignError struct{ why string }

func (e *foreignError) Error() string { return e.why }

// loadSnapshot returns the newest snapshot that can be read. Damaged ones are
// reported and passed over; without any, the state is that of an empty log. What
// another program or another shard has left refuses the start. Nothing is removed
// before all is recovered.
func (s *Shard) loadSnapshot() (loaded, error) {
	parts := s.log.Parts()
	names, err := parts.List(snapshotPrefix)
	if err != nil {
		return loaded{}, err
	}
	for i, name := range slices.Backward(names) {
		l, err := readSnapshot(parts, name, s.cfg.Shard)
		if err == nil {
			s.snapshots.found(names[:i+1], l)
			return l, nil
		}
		if _, foreign := errors.AsType[*foreignError](err); foreign {
			return loaded{}, fmt.Errorf("snapshot %s: %w", name, err)
		}
		s.logger.Error("a snapshot cannot be used: the one before it is, and more of the log", "shard", s.cfg.Shard, "part", name, "err", err)
		s.snapshots.damaged = append(s.snapshots.damaged, name)
	}
	return loaded{state: state.New(s.cfg.Shard)}, nil
}

// unusable names the damaged snapshots, for an operator.
func (n *snapshots) unusable() string {
	if len(n.damaged) == 0 {
		return ""
	}
	return " (damaged: " + strings.Join(n.damaged, ", ") + ")"
}

// tidy removes the damaged snapshots, once the state is recovered without them.
func (n *snapshots) tidy(parts wal.Parts) error {
	for _, name := range n.damaged {
		if err := parts.Delete(name); err != nil {
			return err
		}
	}
	n.damaged = nil
	return nil
}

// found notes the snapshots that there are; the last one was loaded.
func (n *snapshots) found(names []string, newest loaded) {
	for _, name := range names {
		if lsn, err := strconv.ParseInt(strings.TrimPrefix(name, snapshotPrefix), 10, 64); err == nil {
			n.kept = append(n.kept, model.LSN(lsn))
		}
	}
	n.begun, n.size = newest.lsn, newest.size
}

func readSnapshot(parts wal.Parts, name string, shard model.ShardID) (loaded, error) {
	part, err := parts.Open(name)
	if err != nil {
		return loaded{}, err
	}
	defer part.Close()
	b := make([]byte, part.Size())
	if n, err := part.ReadAt(b, 0); n < len(b) {
		return loaded{}, err
	}
	return parseSnapshot(b, name, shard)
}

func parseSnapshot(b []byte, name string, shard model.ShardID) (loaded, error) {
	le := binary.LittleEndian
	if len(b) < snapshotHeaderSize || string(b[:8]) != snapshotMagic ||
		crc32.ChecksumIEEE(b[:snapshotHeaderSize-4]) != le.Uint32(b[snapshotHeaderSize-4:]) {
		return loaded{}, fmt.Errorf("header: %w", errSnapshot)
	}
	if v := le.Uint32(b[8:]); v != snapshotVersion {
		return loaded{}, &foreignError{fmt.Sprintf("format version %d; this program knows %d", v, snapshotVersion)}
	}
	l := loaded{lsn: model.LSN(le.Uint64(b[16:])), storeTime: int64(le.Uint64(b[24:])), size: int64(len(b))}
	image := b[snapshotHeaderSize:]
	switch {
	case le.Uint32(b[12:]) != uint32(shard) || snapshotName(l.lsn) != name:
		return loaded{}, &foreignError{fmt.Sprintf("it is that of shard %d at LSN %d", le.Uint32(b[12:]), l.lsn)}
	case uint64(len(image)) != le.Uint64(b[32:]) || crc32.ChecksumIEEE(image) != le.Uint32(b[40:]):
		return loaded{}, fmt.Errorf("image: %w", errSnapshot)
	}
	var err error
	l.state, err = state.Load(shard, image)
	return l, err
}
