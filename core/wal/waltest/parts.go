package waltest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing/iotest"

	"github.com/gantrymq/gantry/core/wal"
)

func (r *run) put(name, content string) {
	r.t.Helper()
	if err := r.log.Parts().Put(name, strings.NewReader(content)); err != nil {
		r.t.Fatalf("Put %s: %v", name, err)
	}
}

func (r *run) wantPart(name, want string) {
	r.t.Helper()
	part, err := r.log.Parts().Open(name)
	if err != nil {
		r.t.Fatalf("Open %s: %v", name, err)
	}
	if got := read(part); got != want {
		r.t.Errorf("%s holds %d bytes, %.20q, want %d, %.20q", name, len(got), got, len(want), want)
	}
	if err := part.Close(); err != nil {
		r.t.Errorf("Close %s: %v", name, err)
	}
}

func read(part wal.Part) string {
	b, err := io.ReadAll(io.NewSectionReader(part, 0, part.Size()))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func (r *run) wantParts(prefix string, want ...string) {
	r.t.Helper()
	got, err := r.log.Parts().List(prefix)
	if err != nil || !slices.Equal(got, want) {
		r.t.Errorf("List %q: %q, %v, want %q", prefix, got, err, want)
	}
}

func testParts(r *run) {
	r.open() // before Recover: the owner reads its snapshot first
	r.wantParts("")
	large := strings.Repeat("0123456789abcdef", 1<<16)
	r.put("snap-2", large)
	r.put("00000000000000000000.idx", "")
	r.put("snap-1", "one")
	if _, err := r.recover(0); err != nil {
		r.t.Fatal(err)
	}
	r.wantParts("", "00000000000000000000.idx", "snap-1", "snap-2")
	r.wantParts("snap-", "snap-1", "snap-2")
	r.wantParts("snap-3")
	r.wantPart("snap-2", large)
	r.wantPart("00000000000000000000.idx", "")

	old, err := r.log.Parts().Open("snap-1")
	if err != nil {
		r.t.Fatal(err)
	}
	r.put("snap-1", "another")
	r.wantPart("snap-1", "another")
	if err := r.log.Parts().Delete("snap-1"); err != nil {
		r.t.Fatal(err)
	}
	if got := read(old); got != "one" || old.Size() != 3 {
		r.t.Errorf("a part that was replaced and deleted while open holds %q", got)
	}
	old.Close()
	r.wantParts("", "00000000000000000000.idx", "snap-2")
	r.close(true)
	if _, err := r.log.Parts().List(""); !errors.Is(err, wal.ErrClosed) {
		r.t.Errorf("List after Close: %v", err)
	}
	if err := r.log.Parts().Put("late", strings.NewReader("")); !errors.Is(err, wal.ErrClosed) {
		r.t.Errorf("Put after Close: %v", err)
	}
	r.start(0)
	r.wantParts("", "00000000000000000000.idx", "snap-2")
	r.wantPart("snap-2", large)
}

func testBadParts(r *run) {
	r.start(0)
	parts := r.log.Parts()
	if _, err := parts.Open("absent"); !errors.Is(err, fs.ErrNotExist) {
		r.t.Errorf("Open of an absent part: %v, want fs.ErrNotExist", err)
	}
	if err := parts.Delete("absent"); err != nil {
		r.t.Errorf("Delete of an absent part: %v", err)
	}
	for _, name := range []string{"", ".", "..", "a/b", "../x", ".hidden", "a b", "a~", "\u00e9", strings.Repeat("x", 101)} {
		if err := parts.Put(name, strings.NewReader("x")); err == nil {
			r.t.Errorf("Put %q: accepted", name)
		}
		if _, err := parts.Open(name); err == nil {
			r.t.Errorf("Open %q: accepted", name)
		}
	}
	r.put("kept", "old")
	broken := errors.New("broken")
	half := io.MultiReader(strings.NewReader(strings.Repeat("new", 1<<20)), iotest.ErrReader(broken))
	if err := parts.Put("kept", half); !errors.Is(err, broken) {
		r.t.Errorf("Put from a broken reader: %v", err)
	}
	if err := parts.Put("never", iotest.ErrReader(broken)); !errors.Is(err, broken) {
		r.t.Errorf("Put from a broken reader: %v", err)
	}
	r.wantParts("", "kept")
	r.wantPart("kept", "old")
	r.append(segmentStart, "the log goes on")
	r.flush()
	if err := parts.Put("kept", iotest.OneByteReader(strings.NewReader("byte by byte"))); err != nil {
		r.t.Error(err)
	}
	r.wantPart("kept", "byte by byte")
}

// testConcurrentParts puts, reads and deletes from several goroutines while the
// owner appends. A reader sees one whole content or another.
func testConcurrentParts(r *run) {
	r.start(0)
	parts := r.log.Parts()
	var workers sync.WaitGroup
	defer workers.Wait()
	for w := range 3 {
		workers.Go(func() {
			for i := range 30 {
				content := strings.Repeat(fmt.Sprint(w, "-", i, ";"), 5000)
				if err := parts.Put("same", strings.NewReader(content)); err != nil {
					r.t.Errorf("Put: %v", err)
				}
				part, err := parts.Open("same")
				if err != nil {
					r.t.Errorf("Open: %v", err)
					continue
				}
				got := read(part)
				first, _, _ := strings.Cut(got, ";")
				if got != strings.Repeat(first+";", 5000) {
					r.t.Errorf("a mixture: %.30q", got)
				}
				part.Close()
			}
		})
	}
	for i := range 100 {
		var flags uint16
		if i%20 == 0 {
			flags = segmentStart
		}
		r.append(flags, fmt.Sprint(i))
	}
	r.flush()
	workers.Wait()
	r.wantParts("", "same")
}

func testPartsAndCrash(r *run) {
	r.start(0)
	r.put("a", "one")
	r.put("b", "two")
	for seed := range uint64(12) {
		if seed%3 == 0 {
			r.kill()
		} else {
			r.powerCut(seed)
		}
		r.open()
		r.wantParts("", "a", "b")
		r.wantPart("a", fmt.Sprint(map[bool]string{true: "one", false: fmt.Sprint("one ", seed)}[seed == 0]))
		r.put("a", fmt.Sprint("one ", seed+1))
		r.put("c", "soon gone")
		if err := r.log.Parts().Delete("c"); err != nil {
			r.t.Fatal(err)
		}
		r.put("b", "two") // and with it that c is gone
	}
}
