package waltool

import (
	"errors"
	"fmt"
	"time"

	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/file"
	"github.com/gantrymq/gantry/core/wal/vfs"
)

// Folder is what to look at.
type Folder struct {
	Data  string // the data folder
	Shard uint16
	// Force looks at a folder that a server has open: what is said of it is true of
	// some moment each, not of one.
	Force bool
	FS    vfs.FS // nil: the operating system's
}

func (f *Folder) open() (*file.Inspection, error) {
	i, err := file.Inspect(file.Options{Dir: f.Data, FS: f.FS}, wal.ShardID(f.Shard), f.Force)
	if errors.Is(err, wal.ErrLocked) {
		return nil, fmt.Errorf("%w: stop the server, or look at it while it runs with --force", err)
	}
	return i, err
}

// Report is what there is in a shard's folder.
type Report struct {
	Data      string    `json:"data"`
	Shard     uint16    `json:"shard"`
	InUse     bool      `json:"in_use"`
	Start     wal.LSN   `json:"start"` // the first LSN that is kept
	End       wal.LSN   `json:"end"`   // where the next frame goes
	TornBytes int64     `json:"torn_bytes"`
	Manifest  *Manifest `json:"manifest"`
	Segments  []Segment `json:"segments"`
	Parts     []Part    `json:"parts"`
	Spare     int64     `json:"spare_bytes"`
	Totals    Totals    `json:"totals"`
	Damage    *Damage   `json:"damage"` // the first; frames of the last segment are looked at only
}

// Manifest is what MANIFEST says.
type Manifest struct {
	Epoch    uint32  `json:"epoch"`
	Clean    bool    `json:"clean"`
	Trimmed  bool    `json:"trimmed"`
	Proven   wal.LSN `json:"proven"`
	BootID   string  `json:"boot_id"`
	Segments int     `json:"segments"`
}

// Segment is a file of the log.
type Segment struct {
	File    string    `json:"file"`
	Base    wal.LSN   `json:"base"`
	End     wal.LSN   `json:"end"`
	Bytes   int64     `json:"bytes"`
	Epoch   uint32    `json:"epoch"`
	Created time.Time `json:"created"`
	Listed  bool      `json:"listed"`
	GivenUp bool      `json:"given_up,omitempty"` // trimmed, about to be removed
	Bad     string    `json:"bad,omitempty"`      // why its header is none
}

// Part is a snapshot, or the index of a segment.
type Part struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

// Totals are sums.
type Totals struct {
	Segments     int   `json:"segments"`
	LogBytes     int64 `json:"log_bytes"`     // of frames
	SegmentBytes int64 `json:"segment_bytes"` // of the files, reserved room included
	Parts        int   `json:"parts"`
	PartBytes    int64 `json:"part_bytes"`
}

// Damage is a place that cannot be verified, though it was durable once.
type Damage struct {
	File string  `json:"file"`
	Byte int64   `json:"byte"` // 0: the file as a whole
	LSN  wal.LSN `json:"lsn"`
	Why  string  `json:"why"`
}

func (d *Damage) String() string {
	if d.Byte == 0 {
		return fmt.Sprintf("%s: LSN %d: %s", d.File, d.LSN, d.Why)
	}
	return fmt.Sprintf("%s: byte %d, LSN %d: %s", d.File, d.Byte, d.LSN, d.Why)
}

func damage(e *wal.CorruptError) *Damage {
	if e == nil {
		return nil
	}
	return &Damage{e.Place, e.Pos, e.LSN, e.Why}
}

// Inspect tells what there is. Of the frames it reads those of the last segment.
func Inspect(f Folder) (*Report, error) {
	i, err := f.open()
	if err != nil {
		return nil, err
	}
	r := &Report{Data: f.Data, Shard: f.Shard, InUse: i.InUse, Spare: i.SpareBytes, Damage: damage(i.Damage)}
	if m := i.Manifest; m != nil {
		r.Manifest = &Manifest{m.Epoch, m.Clean, m.Trimmed, m.Proven, m.BootID, len(m.Segments)}
	}
	var last wal.LSN
	for _, s := range i.Segments {
		r.Segments = append(r.Segments, Segment{
			s.File, s.Base, s.End, s.Bytes, s.Epoch, time.UnixMilli(s.Created).UTC(), s.Listed, s.GivenUp, s.Bad,
		})
		last = s.Base
	}
	for _, p := range i.Parts {
		r.Parts = append(r.Parts, Part{p.Name, p.Bytes})
	}
	tail, err := i.Walk(last, func(file.Place, wal.Frame) error { return nil })
	if err != nil {
		return nil, err
	}
	r.End, r.TornBytes = tail.End, tail.Torn
	if r.Damage == nil {
		r.Damage = damage(tail.Damage)
	}
	r.sum()
	return r, nil
}

// sum completes the segments and adds everything up.
func (r *Report) sum() {
	t := &r.Totals
	begun := false
	for i := range r.Segments {
		s := &r.Segments[i]
		s.End = max(s.Base, min(s.End, r.End))
		t.Segments++
		t.SegmentBytes += s.Bytes
		if s.GivenUp {
			continue
		}
		if !begun {
			begun, r.Start = true, s.Base
		}
		t.LogBytes += int64(s.End - s.Base)
	}
	for _, p := range r.Parts {
		t.Parts++
		t.PartBytes += p.Bytes
	}
}
