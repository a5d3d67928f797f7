package file_test

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/file"
	"github.com/gantrymq/gantry/core/wal/vfs"
)

// What a life does beside appending: trims, parts, spare segments.

// judgeStart compares where the log begins with the model, takes it over, and
// returns the index of the first frame.
func (l *life) judgeStart() int {
	l.t.Helper()
	start := l.log.Start()
	at := slices.IndexFunc(l.frames, func(b []byte) bool { return wal.ParseHeader(b).LSN == start })
	if at < 0 && l.noted == 0 && start == 0 {
		at = 0 // nothing was ever durable
	}
	if at < l.noted || at > l.asked {
		l.t.Fatalf("session %d: the log begins at LSN %d, frame %d; noted %d, asked %d", l.sessions, start, at, l.noted, l.asked)
	}
	l.count("trimmed", at > 0)
	l.count("trim undone", at < l.asked)
	l.noted, l.asked = at, at
	return at
}

// inspect looks at what the last session left, on a disk that cannot be changed,
// and returns how many frames it saw.
func (l *life) inspect() (frames int, tail file.Tail) {
	l.t.Helper()
	disk := l.disk.ProcessCrash()
	disk.SetReadOnly(true)
	i, err := file.Inspect(file.Options{Dir: "/data", FS: disk}, 0, false)
	if err != nil && l.durable > 0 {
		l.t.Fatalf("session %d: %v", l.sessions, err)
	}
	if err != nil {
		return 0, file.Tail{} // not even a folder
	}
	tail, err = i.Walk(0, func(file.Place, wal.Frame) error { frames++; return nil })
	if err != nil || i.Damage != nil {
		l.t.Fatalf("session %d: Inspect: %v, %v", l.sessions, err, i.Damage)
	}
	return frames, tail
}

// trim trims to a segment that begins below the durable LSN, if there is one.
func (l *life) trim() error {
	var bases []int
	for i, b := range l.frames[:l.durable] {
		if i > l.asked && wal.ParseHeader(b).Flags&wal.FlagSegmentStart != 0 {
			bases = append(bases, i)
		}
	}
	if len(bases) == 0 {
		return nil
	}
	at := bases[l.rng.IntN(len(bases))]
	base := wal.ParseHeader(l.frames[at]).LSN
	before := l.log.Start()
	if err := l.log.Trim(base); err != nil {
		return l.mine(err)
	}
	l.asked = at
	if start := l.log.Start(); start != base {
		l.t.Fatalf("session %d: Start %d after Trim(%d)", l.sessions, start, base)
	}
	if _, err := l.log.ReadAt(make([]byte, 1), before); !errors.Is(err, wal.ErrRange) {
		l.t.Fatalf("session %d: read of trimmed bytes: %v", l.sessions, err)
	}
	return nil
}

// background lets everything happen that was asked for.
func (l *life) background() error {
	for l.log.SyncStep() {
		if _, _, err := l.log.Progress(); err != nil {
			return l.mine(err)
		}
	}
	if l.noted = l.asked; l.frozen != nil {
		return errInjected
	}
	names, err := l.disk.List(logDir)
	if err != nil {
		l.t.Fatal(err)
	}
	first := fmt.Sprintf("%020d.log", l.log.Start())
	if len(l.frames) > 0 && l.written > 0 && names[0] != first {
		l.t.Fatalf("session %d: %s is still there; the log begins at %d", l.sessions, names[0], l.log.Start())
	}
	l.count("spare taken", l.spare && !slices.Contains(names, "spare.log"))
	l.spare = slices.Contains(names, "spare.log")
	return nil
}

// part puts or deletes a part.
func (l *life) part() error {
	name := fmt.Sprint("part-", l.rng.IntN(4))
	may := l.parts[name]
	if may == nil {
		may = []string{""}
	}
	if l.rng.IntN(3) == 0 {
		l.parts[name] = append(may, "")
		return l.mineOrNil(l.log.Parts().Delete(name))
	}
	content := fmt.Sprint(l.sessions, strings.Repeat(" content", l.rng.IntN(3000)))
	l.parts[name] = append(may, content)
	if err := l.log.Parts().Put(name, strings.NewReader(content)); err != nil {
		l.count("part put in vain", true)
		return l.mine(err)
	}
	l.parts[name] = []string{content}
	if got := l.readPart(name); got != content {
		l.t.Fatalf("session %d: %s holds %.20q, put was %.20q", l.sessions, name, got, content)
	}
	return nil
}

func (l *life) mineOrNil(err error) error {
	if err == nil {
		return nil
	}
	return l.mine(err)
}

// readPart returns a part's content, "" if there is none.
func (l *life) readPart(name string) string {
	l.t.Helper()
	b, err := l.disk.ReadFile(path.Join(shardDir, "parts", name))
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	if err != nil {
		l.t.Fatal(err)
	}
	return string(b)
}

// judgeParts compares the parts with the model. They are there before Recover.
func (l *life) judgeParts() {
	l.t.Helper()
	for name, may := range l.parts {
		got := l.readPart(name)
		if !slices.Contains(may, got) {
			l.t.Fatalf("session %d: %s holds %.20q", l.sessions, name, got)
		}
		l.count("part kept", got != "")
		l.count("part gone", got == "")
	}
	names, err := l.disk.List(path.Join(shardDir, "parts"))
	if err != nil {
		l.t.Fatal(err)
	}
	for _, name := range names {
		if _, known := l.parts[name]; !known {
			l.t.Fatalf("session %d: left behind: %s", l.sessions, name)
		}
	}
}

// survives reports whether a log goes on when an operation meets a full disk:
// where it only reserves room.
func (l *life) survives(op vfs.Op, err error) bool {
	if !errors.Is(err, syscall.ENOSPC) {
		return false
	}
	switch path.Base(op.Path) {
	case "spare.log", "MANIFEST.tmp":
		return op.Kind == vfs.OpCreate || op.Kind == vfs.OpAllocate
	}
	return op.Kind == vfs.OpAllocate // of the room behind the end, at a start
}
