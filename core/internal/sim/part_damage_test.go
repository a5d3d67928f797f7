package sim

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/wal/vfs"
)

// sample is a world in which time stops at some moment, and whose disk is then
// looked at.
type sample struct {
	*world
	t       *testing.T
	trimmed bool     // the log no longer begins at its beginning
	names   []string // of the snapshots: the older one, the newer one
	want    uint64   // the state

	same, refused int
}

func newSample(t *testing.T, trimmed bool) *sample {
	return &sample{t: t, trimmed: trimmed}
}

// fill plays, seed after seed, until there are two snapshots of a state with a bit of
// everything in it.
func (s *sample) fill() {
	for seed := uint64(1); seed < 50; seed++ {
		w := newWorld(scenarioOf(seed, model.Written))
		if !s.trimmed { // nothing goes, for there are few segments, with something in each that stays
			w.segment, w.retention.Age = 4<<20, 100*365*24*time.Hour
		}
		if s.world = w; s.play() {
			w.revealFrame()
			s.want = w.proc.shard.Hash()
			return
		}
		w.proc.shard.Forget()
	}
	s.t.Fatal("no seed leads to two snapshots")
}

// play plays a seed, and reports whether it led there.
func (s *sample) play() bool {
	w := s.world
	w.setup()
	for w.step = 0; w.step < 1500; w.step++ {
		w.rng = stepRand(w.seed, w.step)
		if w.step == 150 && w.proc != nil {
			w.kill(true) // for the gap that it leaves
		}
		w.play()
		if w.step < 300 || w.proc == nil || w.proc.stopping || len(w.oracle.dead) == 0 {
			continue
		}
		s.names = s.snapshots()
		if len(s.names) == 2 && s.trimmed == (w.proc.log.Start() > 0) {
			return true
		}
	}
	w.revive()
	return false
}

func (s *sample) snapshots() []string {
	s.t.Helper()
	names, err := s.disk.mem.List(partsDir)
	if err != nil {
		s.t.Fatal(err)
	}
	return slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, "snap-") || strings.HasSuffix(name, "~") })
}

// with returns a copy of the disk on which parts are changed.
func (s *sample) with(change func([]byte) []byte, names ...string) *vfs.Mem {
	s.t.Helper()
	disk := s.disk.mem.ProcessCrash()
	for _, name := range names {
		if err := disk.Rot(partsDir+"/"+name, change); err != nil {
			s.t.Fatal(err)
		}
	}
	return disk
}

// check starts on a disk with damage in the named part. It gives the state that
// there was, or is refused with the name of a snapshot, which only happens where
// that is the last one and the log does not go back to its beginning. What is
// damaged is never read, and never taken for empty.
func (s *sample) check(disk *vfs.Mem, what string, last bool, names ...string) {
	s.t.Helper()
	a, err := s.openAside(disk)
	if err != nil {
		if !last || !slices.ContainsFunc(names, func(n string) bool { return strings.Contains(err.Error(), n) }) {
			s.t.Fatalf("%s: %v", what, err)
		}
		s.refused++
		return
	}
	defer a.Forget()
	if a.Hash() != s.want {
		s.t.Fatalf("%s: another state", what)
	}
	s.same++
	if s.same%64 == 0 {
		s.readAside(a)
	}
}

// eachDamage hands out every damage to a part that is tried, as a function of its bytes.
func eachDamage(content []byte, do func(what string, change func([]byte) []byte)) {
	for i := 0; i < len(content); i += strideOf(len(content), 100, 1) {
		for k := range 8 {
			if !*flagAll && k != i%8 {
				continue
			}
			change := [8]byte{content[i] ^ 1, content[i] ^ 0x80, content[i] + 1, content[i] - 1, ^content[i], content[i] ^ 0x10, content[i] ^ 0x40, content[i] ^ 4}[k]
			do(fmt.Sprintf("byte %d is %#x, was %#x", i, change, content[i]), func(b []byte) []byte { b[i] = change; return b })
		}
		do(fmt.Sprintf("cut to %d bytes", i), func(b []byte) []byte { return b[:i] })
	}
	const block = 64 // such a snapshot is smaller than a sector
	for at := 0; at+block <= len(content); at += block {
		do(fmt.Sprintf("%d bytes at %d zeroed", block, at), func(b []byte) []byte { clear(b[at : at+block]); return b })
		do(fmt.Sprintf("%d bytes at %d swapped with the first", block, at), func(b []byte) []byte {
			first := bytes.Clone(b[:block])
			copy(b, b[at:at+block])
			copy(b[at:], first)
			return b
		})
	}
	do("a byte more", func(b []byte) []byte { return append(b, 0) })
}

// TestEveryByteOfASnapshotDamaged: L13. The newer snapshot, the older one, and the
// only one that is left, with a log that goes back to its beginning and one that does not.
func TestEveryByteOfASnapshotDamaged(t *testing.T) {
	if mutated {
		t.Skip("the engine is a mutant")
	}
	for _, trimmed := range []bool{false, true} {
		t.Run(fmt.Sprintf("trimmed=%v", trimmed), func(t *testing.T) {
			t.Parallel()
			s := newSample(t, trimmed)
			defer func() { s.judged(t, recover(), "damage in a snapshot") }()
			s.fill()
			s.damageOne()
			s.damageTheLast()
			t.Logf("%v: %d starts with the same state, %d refused", s.names, s.same, s.refused)
			if s.same == 0 || (s.refused == 0) == trimmed {
				t.Error("the sample is not the one that was wanted")
			}
			s.swapNames()
		})
	}
}

func (s *sample) content(name string) []byte {
	s.t.Helper()
	b, err := s.disk.mem.ReadFile(partsDir + "/" + name)
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

// damageOne damages one of the two: there is another one, so no start is refused.
func (s *sample) damageOne() {
	for _, name := range s.names {
		eachDamage(s.content(name), func(what string, change func([]byte) []byte) {
			s.check(s.with(change, name), name+": "+what, false)
		})
	}
}

// damageTheLast damages the newer one where the older one is damaged too, or gone.
func (s *sample) damageTheLast() {
	older, newer := s.names[0], s.names[1]
	gone := false
	eachDamage(s.content(newer), func(what string, change func([]byte) []byte) {
		disk := s.with(change, newer)
		if gone = !gone; gone {
			if err := disk.Remove(partsDir + "/" + older); err != nil {
				s.t.Fatal(err)
			}
		} else if err := disk.Rot(partsDir+"/"+older, func(b []byte) []byte { b[len(b)/2]++; return b }); err != nil {
			s.t.Fatal(err)
		}
		s.check(disk, newer+", the only one: "+what, s.trimmed, newer)
	})
}

// swapNames puts one under the name of the other: whole, and not what it says.
func (s *sample) swapNames() {
	for i, name := range s.names {
		disk := s.with(func([]byte) []byte { return s.content(s.names[1-i]) }, name)
		s.check(disk, name+" holds another snapshot", i == 1, name)
	}
}
