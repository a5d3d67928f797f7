package waltool_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/record"
	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/file"
	"github.com/gantrymq/gantry/core/wal/vfs"
	"github.com/gantrymq/gantry/core/wal/waltest"
	"github.com/gantrymq/gantry/internal/waltool"
)

const logFile = "/data/shard-0000/log/00000000000000000000.log"

// served is the folder of a server that took some messages and stopped.
func served(t *testing.T) (*vfs.Mem, waltool.Folder) {
	t.Helper()
	disk := vfs.NewMem()
	w := file.New(file.Options{Dir: "/data", FS: disk, SegmentSize: 1 << 20})
	e, err := core.Open(core.Config{SegmentBytes: 1 << 20}, w, core.Env{})
	if err != nil {
		t.Fatal(err)
	}
	c := e.Connect(core.ClientInfo{})
	for i := range 20 {
		m := core.Message{Topic: "orders", Body: fmt.Appendf(nil, "body %d", i), AutoCreate: 2}
		m.Properties = record.AppendProperty(m.Properties, record.PropTags, []byte("paid"))
		m.Properties = record.AppendProperty(m.Properties, "KEYS", []byte("a b"))
		if _, err := c.SendWait(t.Context(), &core.Batch{Messages: []core.Message{m}}); err != nil {
			t.Fatal(err)
		}
	}
	c.Close()
	if err := e.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return disk, waltool.Folder{Data: "/data", FS: disk}
}

func dump(t *testing.T, f waltool.Folder, from int64, bodies bool) (lines []waltool.Line, damage *waltool.Damage) {
	t.Helper()
	damage, err := waltool.Dump(f, from, bodies, func(l *waltool.Line) error {
		lines = append(lines, *l)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines, damage
}

func TestServed(t *testing.T) {
	disk, f := served(t)
	disk.SetReadOnly(true)
	report, err := waltool.Inspect(f)
	if err != nil || report.Damage != nil || !report.Manifest.Clean || len(report.Segments) != 1 {
		t.Fatalf("Inspect: %+v, %v", report, err)
	}
	verdict, err := waltool.Verify(f, 0)
	if err != nil || !verdict.OK || verdict.Kinds["data"] != 20 || verdict.Kinds["topic"] == 0 {
		t.Fatalf("Verify: %+v, %v", verdict, err)
	}
	if verdict.End != report.End || verdict.Bytes != report.Totals.LogBytes || verdict.Bytes != int64(report.End-report.Start) {
		t.Errorf("%+v and %+v do not agree", verdict, report)
	}
	lines, damage := dump(t, f, 0, false)
	if damage != nil || len(lines) != verdict.Records {
		t.Fatalf("Dump: %d lines, %v", len(lines), damage)
	}
	messages := 0
	for i, l := range lines {
		if i > 0 && l.LSN <= lines[i-1].LSN {
			t.Errorf("LSN %d after %d", l.LSN, lines[i-1].LSN)
		}
		if l.Kind != "data" || l.Content[0].Value != "orders" {
			continue
		}
		text := l.Text()
		for _, part := range []string{"topic=orders queue=", " offset=", ` tag=paid keys="a b" id=`} {
			if !strings.Contains(text, part) || strings.Contains(text, "body ") {
				t.Errorf("%q lacks %q, or has a body", text, part)
			}
		}
		messages++
		if messages == 8 { // a record within a frame, or not: the lines from there on
			some, _ := dump(t, f, int64(l.LSN), false)
			if len(some) != len(lines)-i || some[0].LSN != l.LSN {
				t.Errorf("Dump from %d: %d lines, want %d", l.LSN, len(some), len(lines)-i)
			}
		}
	}
	if messages != 20 {
		t.Errorf("%d messages", messages)
	}
	for _, write := range []func(*strings.Builder) error{
		func(b *strings.Builder) error { return report.Text(b) },
		func(b *strings.Builder) error { return verdict.Text(b) },
	} {
		var b strings.Builder
		if err := write(&b); err != nil || !strings.Contains(b.String(), fmt.Sprint(report.End)) {
			t.Errorf("text: %q, %v", b.String(), err)
		}
	}
}

func TestBodies(t *testing.T) {
	_, f := served(t)
	lines, _ := dump(t, f, 0, true)
	var bodies []string
	for _, l := range lines {
		b, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		var decoded struct {
			LSN     int64
			Kind    string
			Content struct{ Body, Topic string }
		}
		if err := json.Unmarshal(b, &decoded); err != nil || decoded.LSN != int64(l.LSN) {
			t.Fatalf("%s: %v", b, err)
		}
		if decoded.Kind == "data" && decoded.Content.Topic == "orders" {
			bodies = append(bodies, decoded.Content.Body)
		}
	}
	slices.Sort(bodies)
	if len(bodies) != 20 || bodies[0] != "body 0" || bodies[19] != "body 9" {
		t.Errorf("%q", bodies)
	}
}

// TestDamage flips a bit of each of the log's bytes: every one that matters is
// found, at a place that is not behind it.
func TestDamage(t *testing.T) {
	disk, f := served(t)
	report, err := waltool.Inspect(f)
	if err != nil {
		t.Fatal(err)
	}
	for at := int64(4096); at < 4096+report.Totals.LogBytes; at += 13 {
		rotten := disk.ProcessCrash()
		if err := rotten.Rot(logFile, func(b []byte) []byte { b[at] ^= 1; return b }); err != nil {
			t.Fatal(err)
		}
		f.FS = rotten
		verdict, err := waltool.Verify(f, 0)
		if err != nil || verdict.OK || verdict.Damage.File != logFile || verdict.Damage.Byte > at {
			t.Fatalf("byte %d: %+v, %v", at, verdict.Damage, err)
		}
		if _, damage := dump(t, f, 0, false); damage == nil {
			t.Fatalf("byte %d: dump saw no damage", at)
		}
	}
}

// forged is a log of one frame, whole by its checksum, with the given payload.
func forged(t *testing.T, count uint32, payload []byte) waltool.Folder {
	t.Helper()
	disk := vfs.NewMem()
	log, err := file.New(file.Options{Dir: "/data", FS: disk, SegmentSize: 64 << 10}).Open(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := log.Recover(0, func(wal.Frame) error { return nil }); err != nil {
		t.Fatal(err)
	}
	b := waltest.Frame(0, 0, wal.FlagSegmentStart, payload)
	binary.LittleEndian.PutUint32(b[40:], count)
	if err := log.Append(0, b); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(true); err != nil {
		t.Fatal(err)
	}
	return waltool.Folder{Data: "/data", FS: disk}
}

// message is a data record for queue 0 of topic 1.
func message(at, offset int64) []byte {
	m := record.Message{Topic: "t", Body: []byte("body")}
	w := record.Wire(m.Append(nil))
	w.Place(0, offset, at, 0)
	return record.Append(nil, &record.Data{Topic: 1, Wire: w})
}

// TestWrongRecords: what has the right checksums, and yet cannot be.
func TestWrongRecords(t *testing.T) {
	roll := record.Append(nil, &record.Roll{})
	first := int64(wal.HeaderSize + len(roll))
	second := first + int64(len(message(first, 7)))
	flipped := message(first, 7)
	flipped[len(flipped)-9] ^= 1
	gap := record.Append(nil, &record.Gap{From: 1, Offsets: 5})
	third := second + int64(len(gap))
	tests := []struct {
		name  string
		count uint32
		rest  []byte
		lsn   int64 // of the damage, -1: none
		why   string
	}{
		{"nothing", 3, append(message(first, 7), message(second, 8)...), -1, ""},
		{"a gap lets offsets jump", 4, slices.Concat(message(first, 7), gap, message(third, 20)), -1, ""},
		{"a record's checksum", 2, flipped, first, "checksum"},
		{"half a record", 2, message(first, 7)[:20], first, "malformed"},
		{"a message that lies elsewhere", 2, message(first+1, 7), first, "lies at LSN"},
		{"an offset is missing", 3, append(message(first, 7), message(second, 9)...), second, "offset 9 of queue 0 of topic t, where 8 follows"},
		{"an offset twice", 3, append(message(first, 7), message(second, 7)...), second, "where 8 follows"},
		{"an offset falls behind a gap", 4, slices.Concat(message(first, 7), gap, message(third, 7)), third, "where 8 follows"},
		{"another count", 3, message(first, 7), 0, "the frame holds 2 records, its header says 3"},
		{"an unknown kind", 2, sealed(0x7f, "x"), first, "unknown kind 0x7f"},
	}
	for _, tt := range tests {
		f := forged(t, tt.count, append(slices.Clone(roll), tt.rest...))
		v, err := waltool.Verify(f, 0)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if tt.lsn < 0 {
			if !v.OK {
				t.Errorf("%s: %v", tt.name, v.Damage)
			}
			continue
		}
		d := v.Damage
		if v.OK || int64(d.LSN) != tt.lsn || d.Byte != 4096+tt.lsn || d.File != logFile || !strings.Contains(d.Why, tt.why) {
			t.Errorf("%s: %+v, want LSN %d and %q", tt.name, d, tt.lsn, tt.why)
		}
	}
	// A dump shows what it does not know.
	lines, damage := dump(t, forged(t, 2, append(slices.Clone(roll), sealed(0x7f, "x")...)), 0, false)
	if damage != nil || len(lines) != 2 || lines[1].Kind != "0x7f" {
		t.Errorf("%+v, %v", lines, damage)
	}
}

// TestKinds: each kind shows what it says, with the names that were learned.
func TestKinds(t *testing.T) {
	var payload []byte
	entries := []record.Entry{
		&record.Roll{Reason: record.RollTime},
		&record.Server{Cluster: "c", Broker: "b 0"},
		&record.Topic{ID: 3},
		&record.Group{ID: 4},
		&record.Offset{Group: 4, Topic: 9, Queue: 1, Offset: 5, Op: record.OffsetReset},
		&record.Pop{
			Group: 4, Topic: 3, PopTime: 100, Invisible: 30, ReadTo: 9, FIFO: true,
			Leased: []record.PopMessage{{Offset: 4, Key: 1}, {Offset: 5, Key: 1}, {Offset: 7}}, Parked: []record.PopMessage{{Offset: 8}},
		},
		settled(record.AckDead, 0),
		settled(record.AckChange, 9),
		&record.Trim{Before: 77, Queues: []record.TrimQueue{{Topic: 3, Queue: 0, Min: 6}, {Topic: 9, Queue: 2, Min: 8}}},
		&record.Gap{From: 10, Offsets: 20},
		&record.TopicEnd{ID: 3},
		&record.GroupEnd{ID: 4},
	}
	entries[2].(*record.Topic).Config.Name = "orders"
	entries[3].(*record.Group).Config.Name = "workers"
	for _, e := range entries {
		payload = record.Append(payload, e)
	}
	lines, damage := dump(t, forged(t, uint32(len(entries)), payload), 0, false)
	var got []string
	for _, l := range lines {
		got = append(got, l.Kind+" "+l.Content.String())
	}
	want := []string{
		"roll reason=time",
		`server cluster=c broker="b 0"`,
		"topic id=3 name=orders read_queues=0 write_queues=0 perm=0",
		"group id=4 name=workers",
		"offset group=workers topic=#9 queue=1 offset=5 op=reset",
		"pop group=workers topic=orders queue=0 leased=4-5,7 pop_time=100 invisible=30 read_to=9 fifo=true parked=8 resumed=\"\"",
		"ack group=workers topic=orders queue=0 op=dead offsets=4",
		"ack group=workers topic=orders queue=0 op=change offsets=4 pop_time=0 invisible=9",
		"trim before=77 queues=orders/0:6,#9/2:8",
		"gap from=10 offsets=20",
		"topic-end id=3 name=orders",
		"group-end id=4 name=workers",
	}
	if damage != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v, want %q", got, damage, want)
	}
}

func settled(op record.AckOp, invisible int64) *record.Ack {
	ack := &record.Ack{Group: 4, Topic: 3, Op: op, Invisible: invisible}
	ack.Offsets = append(ack.Offsets, 4)
	return ack
}

func sealed(kind byte, content string) []byte {
	b := append([]byte{0, 0, 0, 0, kind, byte(len(content))}, content...)
	record.Seal(b)
	return b
}

func TestInUse(t *testing.T) {
	disk := vfs.NewMem()
	log, err := file.New(file.Options{Dir: "/data", FS: disk}).Open(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close(false)
	f := waltool.Folder{Data: "/data", FS: disk}
	if _, err := waltool.Inspect(f); !errors.Is(err, wal.ErrLocked) || !strings.Contains(err.Error(), "--force") {
		t.Errorf("Inspect: %v", err)
	}
	f.Force = true
	r, err := waltool.Inspect(f)
	if err != nil || !r.InUse {
		t.Errorf("Inspect, forced: %+v, %v", r, err)
	}
}

// TestDamagedFolder: damage that shows before any frame is read is reported too.
func TestDamagedFolder(t *testing.T) {
	disk, f := served(t)
	manifest := path.Join("/data/shard-0000", "MANIFEST")
	if err := disk.Rot(manifest, func(b []byte) []byte { b[9]++; return b }); err != nil {
		t.Fatal(err)
	}
	r, err := waltool.Inspect(f)
	if err != nil || r.Damage == nil || r.Damage.File != manifest || r.Manifest != nil || len(r.Segments) != 1 {
		t.Errorf("Inspect: %+v, %v", r, err)
	}
	v, err := waltool.Verify(f, 0)
	if err != nil || v.OK || v.Damage.File != manifest {
		t.Errorf("Verify: %+v, %v", v, err)
	}
}
