package wal

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// segmentBytes makes frames of the given payload lengths, from LSN 1000 on.
func segmentBytes(lengths ...int) []byte {
	var all []byte
	for i, n := range lengths {
		b := make([]byte, HeaderSize+n)
		for k := range n {
			b[HeaderSize+k] = byte(i)
		}
		PutHeader(b, LSN(1000+len(all)), int64(i), 0, uint32(i))
		all = append(all, b...)
	}
	return all
}

func readerAt(b []byte) func(p []byte, lsn LSN) (int, error) {
	return func(p []byte, lsn LSN) (int, error) { return bytes.NewReader(b).ReadAt(p, int64(lsn-1000)) }
}

func TestWalkPassesEveryFrame(t *testing.T) {
	lengths := []int{1, 0, walkAhead - 60, 7, 3 * walkAhead, 100, MaxFrame - HeaderSize, 5, 5, 0}
	all := segmentBytes(lengths...)
	at := 0
	err := Walk(readerAt(all), 1000, LSN(1000+len(all)), func(f Frame) error {
		want := bytes.Repeat([]byte{byte(at)}, lengths[at])
		if f.Count != uint32(at) || !bytes.Equal(f.Payload, want) {
			t.Fatalf("frame %d: count %d, %d bytes", at, f.Count, len(f.Payload))
		}
		at++
		return nil
	})
	if err != nil || at != len(lengths) {
		t.Fatalf("%d frames, %v", at, err)
	}
}

func TestWalkRefusesWhatIsNoFrame(t *testing.T) {
	all := segmentBytes(100, 200, 300)
	end := LSN(1000 + len(all))
	var corrupt *CorruptError
	walk := func(b []byte, to LSN) error {
		return Walk(readerAt(b), 1000, to, func(Frame) error { return nil })
	}
	for _, at := range []int{3, 8, 38} { // length, LSN, version
		bad := bytes.Clone(all)
		bad[100+HeaderSize+at] ^= 0x80
		if err := walk(bad, end); !errors.As(err, &corrupt) || corrupt.LSN != 1000+100+HeaderSize {
			t.Errorf("byte %d of a header damaged: %v", at, err)
		}
	}
	if err := walk(all, end-1); !errors.As(err, &corrupt) {
		t.Errorf("end within a frame: %v", err)
	}
	if err := walk(all[:len(all)-1], end); !errors.Is(err, io.EOF) {
		t.Errorf("bytes missing: %v", err)
	}
	stop := errors.New("stop")
	if err := Walk(readerAt(all), 1000, end, func(Frame) error { return stop }); err != stop {
		t.Errorf("fn's error: %v", err)
	}
}
