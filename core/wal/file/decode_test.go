package file

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io/fs"
	"path"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/vfs"
)

var manifests = []manifest{
	{epoch: 1},
	{epoch: 7, clean: true, proven: 100, boot: "a boot", segments: []wal.LSN{0}},
	{epoch: 8, trimmed: true, proven: 100, boot: "a boot", segments: []wal.LSN{60, 90}},
	{epoch: 1 << 31, proven: 1 << 60, boot: string(make([]byte, maxBootID)), segments: []wal.LSN{0, 5, 1 << 50}},
}

func TestManifest(t *testing.T) {
	for _, want := range manifests {
		b := want.encode()
		got, err := decodeManifest(b)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(manifest{})); err != nil || diff != "" {
			t.Errorf("decode: %v (-want +got):\n%s", err, diff)
		}
		for n := range b {
			if _, err := decodeManifest(b[:n]); err == nil {
				t.Errorf("accepted the first %d of %d bytes", n, len(b))
			}
		}
	}
	for name, bad := range map[string]manifest{
		"order":  {proven: 10, segments: []wal.LSN{5, 4}},
		"twice":  {proven: 10, segments: []wal.LSN{5, 5}},
		"proven": {proven: 5, segments: []wal.LSN{5}},
		"sign":   {proven: -1},
		"trim":   {trimmed: true},
	} {
		if _, err := decodeManifest(bad.encode()); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// seal gives a fuzzed file the checksum it needs to get any further.
func seal(b []byte) []byte {
	if len(b) < 4 {
		return b
	}
	body := b[: len(b)-4 : len(b)-4]
	return binary.LittleEndian.AppendUint32(body, crc32.ChecksumIEEE(body))
}

func FuzzManifest(f *testing.F) {
	for _, m := range manifests {
		f.Add(m.encode())
	}
	f.Add([]byte(manifestMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = decodeManifest(b)
		b = seal(bytes.Clone(b))
		m, err := decodeManifest(b)
		if err == nil && !bytes.Equal(m.encode(), b) {
			t.Errorf("%x decodes to %+v, which is %x", b, m, m.encode())
		}
	})
}

func FuzzSegmentHeader(f *testing.F) {
	h := segmentHeader{shard: 3, base: 1 << 40, epoch: 9, salt: 0xdeadbeef, created: 1700000000000}
	f.Add(h.encode()[:40]) // the rest is filled up below
	f.Add(h.encode()[:20])
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = decodeSegmentHeader(b)
		if len(b) > headerPage {
			b = b[:headerPage]
		}
		b = seal(append(bytes.Clone(b), make([]byte, headerPage-len(b))...))
		h, err := decodeSegmentHeader(b)
		if err != nil {
			return
		}
		if again, err := decodeSegmentHeader(h.encode()); err != nil || again != h {
			t.Errorf("%+v encodes to what decodes to %+v, %v", h, again, err)
		}
	})
}

// FuzzRecover puts arbitrary bytes behind the header of a segment. Recovery must
// take them, cut them off or refuse them; what it takes must be there again when
// it is asked a second time.
func FuzzRecover(f *testing.F) {
	const salt = 77
	frames := func(lens ...int) []byte {
		var b []byte
		var chain uint32
		for i, n := range lens {
			frame := make([]byte, wal.HeaderSize+n)
			flags := uint16(0)
			if i == 0 {
				flags = wal.FlagSegmentStart
			}
			wal.PutHeader(frame, wal.LSN(len(b)), int64(i), flags, 1)
			chain = wal.Complete(frame, 0, 1, chain, salt)
			b = append(b, frame...)
		}
		return b
	}
	f.Add(frames(10, 0, 50), false, false)
	f.Add(frames(10, 0, 50)[:80], true, false)
	f.Add(append(frames(3, 4), make([]byte, 60)...), true, true)
	f.Add(append(make([]byte, 70), frames(3, 4)...), false, true)
	f.Fuzz(func(t *testing.T, b []byte, listed, whole bool) {
		if whole {
			b = sealFrames(bytes.Clone(b), salt)
		}
		disk := vfs.NewMem()
		m := manifest{epoch: 5, boot: "boot"}
		if listed {
			m.segments, m.proven = []wal.LSN{0}, 1
		}
		h := segmentHeader{epoch: 1, salt: salt}
		for _, dir := range []string{"/d", "/d/shard-0000", "/d/shard-0000/log"} {
			if err := disk.Mkdir(dir); err != nil {
				t.Fatal(err)
			}
		}
		must(t, disk.WriteFile("/d/shard-0000/MANIFEST", m.encode()))
		must(t, disk.WriteFile(path.Join("/d/shard-0000/log", segmentName(0)), append(h.encode(), b...)))
		first, err := recoverAll(t, disk)
		if err != nil {
			if _, ok := errors.AsType[*wal.CorruptError](err); !ok {
				t.Errorf("refused without a place: %v", err)
			}
			return
		}
		second, err := recoverAll(t, disk)
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("first %x, then %x, %v", first, second, err)
		}
	})
}

// sealFrames gives fuzzed frames the checksums they need to get any further.
func sealFrames(b []byte, salt uint32) []byte {
	for rest := b; len(rest) >= wal.HeaderSize; {
		n := int(wal.ParseHeader(rest).Len)
		if n < wal.HeaderSize || n > len(rest) {
			break
		}
		binary.LittleEndian.PutUint32(rest[4:], wal.Checksum(rest[:n], salt))
		rest = rest[n:]
	}
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// recoverAll recovers a log and returns all of its payloads.
func recoverAll(t *testing.T, disk *vfs.Mem) ([]byte, error) {
	t.Helper()
	log, err := New(Options{Dir: "/d", FS: disk, BootID: "boot", Manual: true}).Open(0, nil)
	must(t, err)
	defer log.Close(false)
	var all []byte
	got, err := log.Recover(0, func(f wal.Frame) error {
		all = append(all, f.Payload...)
		return nil
	})
	if err == nil && got.Torn > 0 {
		name := path.Join("/d/shard-0000/log", segmentName(0))
		b, err := disk.ReadFile(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if err == nil && len(bytes.Trim(b[headerPage+int(got.End):], "\x00")) > 0 {
			t.Errorf("torn bytes are left behind LSN %d", got.End)
		}
	}
	return all, err
}
