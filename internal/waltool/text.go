package waltool

import (
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Text writes the report for people.
func (r *Report) Text(w io.Writer) error {
	b := &strings.Builder{}
	fmt.Fprintf(b, "shard %d in %s\n", r.Shard, r.Data)
	if r.InUse {
		fmt.Fprintln(b, "a server has it open: all of this may have changed since")
	}
	fmt.Fprintf(b, "log from LSN %d to %d: %d bytes in %d segments, %d bytes of files\n",
		r.Start, r.End, r.Totals.LogBytes, r.Totals.Segments, r.Totals.SegmentBytes)
	if r.TornBytes > 0 {
		fmt.Fprintf(b, "torn tail: %d bytes were never durable, the next start cuts them off\n", r.TornBytes)
	}
	if m := r.Manifest; m != nil {
		fmt.Fprintf(b, "manifest: epoch %d, %s, durable up to LSN %d at least, boot %s\n", m.Epoch, stopped(m.Clean), m.Proven, m.BootID)
	} else {
		fmt.Fprintln(b, "manifest: none that can be read")
	}
	if r.Spare > 0 {
		fmt.Fprintf(b, "spare segment: %d bytes\n", r.Spare)
	}
	r.segments(b)
	r.parts(b)
	if r.Damage != nil {
		fmt.Fprintf(b, "\ndamaged: %s\n", r.Damage)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func stopped(clean bool) string {
	if clean {
		return "stopped in order"
	}
	return "not stopped in order"
}

func (r *Report) segments(b *strings.Builder) {
	if len(r.Segments) == 0 {
		return
	}
	fmt.Fprintln(b)
	table := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SEGMENT\tBASE\tEND\tFILE BYTES\tEPOCH\tCREATED\tSTATE")
	for _, s := range r.Segments {
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%s\t%s\n",
			path.Base(s.File), s.Base, s.End, s.Bytes, s.Epoch, s.Created.Format(time.RFC3339), s.state())
	}
	table.Flush()
}

func (s *Segment) state() string {
	switch {
	case s.Bad != "" && !s.GivenUp:
		return s.Bad
	case s.GivenUp:
		return "trimmed"
	case !s.Listed:
		return "not in the manifest"
	}
	return "listed"
}

func (r *Report) parts(b *strings.Builder) {
	if len(r.Parts) == 0 {
		return
	}
	fmt.Fprintln(b)
	table := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PART\tBYTES")
	for _, p := range r.Parts {
		fmt.Fprintf(table, "%s\t%d\n", p.Name, p.Bytes)
	}
	fmt.Fprintf(table, "%d parts\t%d\n", r.Totals.Parts, r.Totals.PartBytes)
	table.Flush()
}

// Text writes the verdict for people.
func (v *Verdict) Text(w io.Writer) error {
	b := &strings.Builder{}
	fmt.Fprintf(b, "LSN %d to %d: %d frames, %d records, %d bytes\n", v.Start, v.End, v.Frames, v.Records, v.Bytes)
	for _, kind := range slices.Sorted(maps.Keys(v.Kinds)) {
		fmt.Fprintf(b, "  %-9s %d\n", kind, v.Kinds[kind])
	}
	if v.TornBytes > 0 {
		fmt.Fprintf(b, "torn tail: %d bytes were never durable, the next start cuts them off\n", v.TornBytes)
	}
	if v.OK {
		fmt.Fprintln(b, "everything was verified")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Text is the line for people.
func (l *Line) Text() string {
	return strings.TrimRight(fmt.Sprintf("%-12d %s %-9s %s", l.LSN, l.StoreTime.Format("2006-01-02T15:04:05.000Z"), l.Kind, l.Content), " ")
}
