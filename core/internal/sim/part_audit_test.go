package sim

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/shard"
)

// rotPart damages a snapshot or an index part of a copy. L13: another snapshot, or
// the log, stands for a damaged one. L8: an index is built again from its log. What
// is read through a damaged index is what was sent, or refused.
func (w *world) rotPart() {
	copy := w.disk.mem.ProcessCrash()
	names, err := copy.List(partsDir)
	if err != nil || len(names) == 0 {
		return
	}
	w.revealFrame()
	name := names[w.rng.IntN(len(names))]
	if err := copy.Rot(partsDir+"/"+name, w.damage); err != nil {
		panic(err)
	}
	snapshots := 0
	for _, n := range names {
		if strings.HasPrefix(n, "snap-") {
			snapshots++
		}
	}
	a, err := w.openAside(copy)
	if err != nil {
		alone := strings.HasPrefix(name, "snap-") && snapshots == 1
		w.check(alone && w.proc.log.Start() > 0, "L13", "damage in %s: %v", name, err)
		return
	}
	defer a.Forget()
	w.check(a.Hash() == w.proc.shard.Hash(), "L13", "damage in %s gives another state", name)
	for range 5 {
		w.readAside(a)
	}
	sometimes("rot.part")
}

// stepReseal: L8, the index part of a segment is, byte for byte, the one that a
// server makes again from the segment's log.
func (w *world) stepReseal() {
	if w.proc.failedAt != 0 {
		return
	}
	w.revealFrame()
	copy := w.disk.mem.ProcessCrash()
	before := map[string][]byte{}
	names, _ := copy.List(partsDir)
	for _, name := range names {
		if strings.HasSuffix(name, ".idx") {
			before[name], _ = copy.ReadFile(partsDir + "/" + name)
			if err := copy.Remove(partsDir + "/" + name); err != nil {
				panic(err)
			}
		}
	}
	a, err := w.openAside(copy)
	w.check(err == nil, "L8", "a start without index parts: %v", err)
	defer a.Forget()
	for range 10 + 4*len(before) {
		a.Step()
	}
	for name, want := range before {
		if name < fmt.Sprintf("%020d", a.log.Start()) {
			continue // the segment has been forgotten meanwhile
		}
		got, err := copy.ReadFile(partsDir + "/" + name)
		w.check(err == nil && bytes.Equal(got, want), "L8", "index part %s made again: %d bytes, %d before, %v", name, len(got), len(want), err)
		sometimes("audit.resealed")
	}
}

// damage flips a bit, cuts the end off, or blanks a block.
func (w *world) damage(b []byte) []byte {
	if len(b) == 0 {
		return b
	}
	at := w.rng.IntN(len(b))
	switch w.rng.IntN(3) {
	case 0:
		b[at] ^= 1 << w.rng.IntN(8)
	case 1:
		return b[:at]
	default:
		clear(b[at:min(at+512, len(b))])
	}
	return b
}

// readAside reads a message from a shard aside.
func (w *world) readAside(a aside) {
	t := w.drawTopic()
	q := w.oracle.queue(queueID{t.name, w.drawQueue(t)})
	m := q.at[w.drawOffset(q, false)]
	if m == nil || m.lost || m.expired {
		return
	}
	c := a.Connect(shard.ClientInfo{})
	pull := shard.Pull{Queue: model.Queue{Topic: t.id, Num: q.id.num}, Offset: model.Offset(m.offset), MaxMessages: 1}
	c.Pull(pull, func(r *shard.Records, err error) {
		if err != nil {
			w.check(model.CodeOf(err) == model.Internal, "L3", "message %d through a damaged index: %v", m.id, err)
			return
		}
		if int64(r.Min) > m.offset {
			return // it has been forgotten meanwhile
		}
		all, err := receive(r.Bytes())
		w.check(err == nil && len(all) == 1 && all[0].offset == m.offset && bytes.Equal(all[0].body, m.body), "L3",
			"message %d through a damaged index: status %d, %d messages, %v", m.id, r.Status, len(all), err)
		sometimes("audit.read")
	})
	c.Submit()
	for range 8 {
		a.Step()
	}
}
