package file_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"path"
	"reflect"
	"testing"

	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/file"
	"github.com/gantrymq/gantry/core/wal/vfs"
	"github.com/gantrymq/gantry/core/wal/waltest"
)

const (
	shardDir = "/data/shard-0000"
	logDir   = shardDir + "/log"
)

// sample is a small log of three segments, and what is in it.
type sample struct {
	disk   *vfs.Mem
	frames []wal.Frame
	clean  bool
	checks int
}

// newSample writes one. It ends with an idle mark, or in order if clean is set.
func newSample(t *testing.T, clean bool) sample {
	t.Helper()
	s := sample{disk: vfs.NewMem(), clean: clean}
	opt := memOptions(s.disk, 0, true)
	opt.SegmentSize = 8 << 10 // a zeroed rest that is not too long to damage byte by byte
	opened, err := file.New(opt).Open(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	log := opened.(*file.Log)
	if _, err := log.Recover(0, func(wal.Frame) error { return nil }); err != nil {
		t.Fatal(err)
	}
	var lsn wal.LSN
	add := func(flags uint16, size int) {
		payload := bytes.Repeat([]byte{byte(lsn)}, size)
		b := waltest.Frame(lsn, int64(len(s.frames)), flags, payload)
		if err := log.Append(lsn, b); err != nil {
			t.Fatal(err)
		}
		s.frames = append(s.frames, wal.Frame{Header: wal.ParseHeader(b), Payload: payload})
		lsn += wal.LSN(len(b))
	}
	sync := func() {
		log.Flush()
		log.SyncStep()
		if _, durable, err := log.Progress(); durable != lsn || err != nil {
			t.Fatalf("durable %d, %v, want %d", durable, err, lsn)
		}
	}
	for i := range 3 {
		add(wal.FlagSegmentStart, 100)
		add(0, 0)
		if i > 0 {
			sync()
		}
		add(0, 300+i)
		lsn += wal.LSN(i % 2 * 77) // a gap before the last segment
	}
	lsn = s.frames[len(s.frames)-1].End()
	sync()
	add(wal.FlagIdleMark, 0)
	sync()
	if err := log.Close(clean); err != nil {
		t.Fatal(err)
	}
	return s
}

// recover starts a log on a damaged copy of the sample.
func (s *sample) recover(t *testing.T, disk *vfs.Mem) (got wal.Recovery, found []wal.Frame, err error) {
	t.Helper()
	log, err := file.New(memOptions(disk, 0, true)).Open(0, nil)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	defer log.Close(false)
	got, err = log.Recover(0, func(f wal.Frame) error {
		i := len(found)
		if i >= len(s.frames) || f.Header != s.frames[i].Header || !bytes.Equal(f.Payload, s.frames[i].Payload) {
			t.Fatalf("recovery handed out what nobody wrote: %+v", f.Header)
		}
		found = append(found, s.frames[i])
		return nil
	})
	return got, found, err
}

// proven returns how many frames the clean mark, or later frames, still prove. One
// block that holds the last data frame and the idle mark takes the proof along.
func (s *sample) proven(t *testing.T, disk *vfs.Mem) int {
	t.Helper()
	if s.clean {
		return len(s.frames)
	}
	mark := s.frames[len(s.frames)-1]
	last := s.files(t)[2]
	before, err := s.disk.ReadFile(last)
	if err != nil {
		t.Fatal(err)
	}
	after, err := disk.ReadFile(last)
	at := bytes.Index(before, binary.LittleEndian.AppendUint32(nil, mark.CRC)) - 4
	if err == nil && len(after) >= at+wal.HeaderSize && bytes.Equal(after[at:at+wal.HeaderSize], before[at:at+wal.HeaderSize]) {
		return len(s.frames) - 1
	}
	return len(s.frames) - 2
}

// check demands, of a log with damage in the file at name: all frames; or a
// CorruptError that names the file; or the loss of what no frame proves.
func (s *sample) check(t *testing.T, disk *vfs.Mem, name, what string) (refused bool) {
	t.Helper()
	proven := s.proven(t, disk)
	tail, inspected := s.inspect(t, disk)
	_, found, err := s.recover(t, disk)
	corrupt, ok := errors.AsType[*wal.CorruptError](err)
	if inspected && !reflect.DeepEqual(tail.Damage, corrupt) {
		t.Fatalf("%s: Inspect says %v, Recover %v", what, tail.Damage, err)
	}
	switch {
	case ok && corrupt.Place == name:
		return true
	case ok:
		t.Fatalf("%s: %v; want %s named", what, err, name)
	case err != nil:
		t.Fatalf("%s: %v", what, err)
	case len(found) < proven:
		t.Fatalf("%s: %d frames, no error; %d were proven", what, len(found), proven)
	}
	return false
}

// inspect looks at every eighth copy as a tool does, before recovery changes it.
func (s *sample) inspect(t *testing.T, disk *vfs.Mem) (tail file.Tail, done bool) {
	t.Helper()
	if s.checks++; s.checks%8 != 0 {
		return file.Tail{}, false
	}
	disk.SetReadOnly(true)
	defer disk.SetReadOnly(false)
	i, err := file.Inspect(memOptions(disk, 0, true), 0, false)
	if err != nil {
		t.Fatal(err)
	}
	tail, err = i.Walk(0, func(file.Place, wal.Frame) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return tail, true
}

func (s *sample) files(t *testing.T) []string {
	t.Helper()
	names, err := s.disk.List(logDir)
	if err != nil || len(names) != 3 {
		t.Fatalf("%v, %v: want 3 segments", names, err)
	}
	for i := range names {
		names[i] = path.Join(logDir, names[i])
	}
	return append(names, path.Join(shardDir, "MANIFEST"))
}

// rot returns a copy of the sample with one file changed.
func (s *sample) rot(t *testing.T, name string, change func([]byte) []byte) *vfs.Mem {
	t.Helper()
	disk := s.disk.ProcessCrash()
	if err := disk.Rot(name, change); err != nil {
		t.Fatal(err)
	}
	return disk
}

// each runs test for a log that was closed in order and one that was not.
func each(t *testing.T, test func(t *testing.T, s sample)) {
	for _, clean := range []bool{false, true} {
		t.Run(fmt.Sprintf("Clean=%v", clean), func(t *testing.T) {
			t.Parallel()
			test(t, newSample(t, clean))
		})
	}
}

func TestEveryByteDamaged(t *testing.T) {
	each(t, func(t *testing.T, s sample) {
		refused, passed := 0, 0
		for _, name := range s.files(t) {
			content, err := s.disk.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for i, old := range content {
				for _, b := range patterns(old, i) {
					disk := s.rot(t, name, func(c []byte) []byte { c[i] = b; return c })
					if s.check(t, disk, name, fmt.Sprintf("%s: byte %d is %#x, was %#x", name, i, b, old)) {
						refused++
					} else {
						passed++
					}
				}
			}
		}
		t.Logf("%d refused, %d changed nothing that matters", refused, passed)
	})
}

// patterns returns eight other values for a byte; one only where a run of zeros
// makes all of them alike.
func patterns(old byte, i int) []byte {
	if old == 0 && i%16 != 0 {
		return []byte{0xff}
	}
	var all []byte
	for _, b := range []byte{old ^ 1, old ^ 0x80, old + 1, old - 1, ^old, 0, 0xff, old ^ 0x10} {
		if b != old {
			all = append(all, b)
		}
	}
	return all
}

func TestTruncated(t *testing.T) {
	each(t, func(t *testing.T, s sample) {
		for _, name := range s.files(t) {
			content, err := s.disk.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			step := vfs.SectorSize
			if len(content) < step {
				step = 1 // MANIFEST
			}
			for size := 0; size < len(content); size += step {
				disk := s.rot(t, name, func(c []byte) []byte { return c[:size] })
				s.check(t, disk, name, fmt.Sprintf("%s: cut to %d of %d bytes", name, size, len(content)))
			}
		}
	})
}

// TestBlocks zeroes, and swaps, every block of two sizes.
func TestBlocks(t *testing.T) {
	each(t, func(t *testing.T, s sample) {
		for _, name := range s.files(t) {
			content, err := s.disk.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, size := range []int{vfs.SectorSize, 4096} {
				for at := 0; at < len(content); at += size {
					block := func(c []byte, at int) []byte { return c[at:min(at+size, len(c))] }
					disk := s.rot(t, name, func(c []byte) []byte { clear(block(c, at)); return c })
					s.check(t, disk, name, fmt.Sprintf("%s: %d bytes at %d zeroed", name, size, at))

					disk = s.rot(t, name, func(c []byte) []byte {
						other := bytes.Clone(block(c, 0))
						copy(c, block(c, at))
						copy(block(c, at), other)
						return c
					})
					s.check(t, disk, name, fmt.Sprintf("%s: %d bytes at %d swapped with the first", name, size, at))
				}
			}
		}
	})
}

func TestMissingFile(t *testing.T) {
	each(t, func(t *testing.T, s sample) {
		for _, name := range s.files(t) {
			disk := s.disk.ProcessCrash()
			if err := disk.Remove(name); err != nil {
				t.Fatal(err)
			}
			if !s.check(t, disk, name, name+" removed") {
				t.Errorf("%s removed: not refused", name)
			}
		}
	})
}

func TestForeignFiles(t *testing.T) {
	each(t, func(t *testing.T, s sample) {
		files := s.files(t)
		first, err := s.disk.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		last := s.frames[len(s.frames)-1]
		for _, name := range []string{
			"notes.txt", "1.log", "00000000000000000000.log.bak", "99999999999999999999.log",
			fmt.Sprintf("%020d.log", 5),            // between two segments
			fmt.Sprintf("%020d.log", last.LSN-1),   // inside the last
			fmt.Sprintf("%020d.log", last.End()+1), // a copy under another name
		} {
			disk := s.disk.ProcessCrash()
			name = path.Join(logDir, name)
			if err := disk.WriteFile(name, first); err != nil {
				t.Fatal(err)
			}
			if !s.check(t, disk, name, name) {
				t.Errorf("%s: not refused", name)
			}
		}
	})
}

// TestOldManifest puts back the MANIFEST of an earlier owner.
func TestOldManifest(t *testing.T) {
	each(t, func(t *testing.T, s sample) {
		manifest := path.Join(shardDir, "MANIFEST")
		old, err := s.disk.ReadFile(manifest)
		if err != nil {
			t.Fatal(err)
		}
		log, err := file.New(memOptions(s.disk, 0, true)).Open(0, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := log.Recover(0, func(wal.Frame) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		if err := log.Append(got.End, waltest.Frame(got.End, got.StoreTime, 0, []byte("newer"))); err != nil {
			t.Fatal(err)
		}
		if err := log.Close(true); err != nil {
			t.Fatal(err)
		}
		disk := s.rot(t, manifest, func([]byte) []byte { return old })
		if _, _, err := s.recover(t, disk); !isCorrupt(err) {
			t.Errorf("Recover: %v, want a CorruptError", err)
		}
	})
}

// TestProofInNextSegment: a segment that was never synced still proves what was
// durable before it was begun.
func TestProofInNextSegment(t *testing.T) {
	disk := vfs.NewMem()
	log := open(t, memOptions(disk, 0, true), nil)
	sync := func() { log.Flush(); log.SyncStep() }
	next := appendFrame(t, log, 0, wal.FlagSegmentStart, "first")
	sync()
	last := next
	next = appendFrame(t, log, last, 0, "last of the first segment")
	sync()
	appendFrame(t, log, next, wal.FlagSegmentStart, "unsynced")

	disk = disk.ProcessCrash()
	first := logDir + "/00000000000000000000.log"
	if err := disk.Rot(first, func(c []byte) []byte { c[4096+int(last)+50]++; return c }); err != nil {
		t.Fatal(err)
	}
	again, err := file.New(memOptions(disk, 0, true)).Open(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = again.Recover(0, func(wal.Frame) error { return nil })
	if corrupt, ok := errors.AsType[*wal.CorruptError](err); !ok || corrupt.Place != first || corrupt.LSN != last {
		t.Errorf("Recover: %v, want damage in %s at LSN %d", err, first, last)
	}
}

func isCorrupt(err error) bool {
	_, ok := errors.AsType[*wal.CorruptError](err)
	return ok
}
