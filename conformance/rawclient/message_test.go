package rawclient

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// message encodes one message of the layout that decodeMessages reads.
func message(queue int32, offset, physical int64, sysFlag uint32, body string) []byte {
	b := make([]byte, beforeBody)
	if sysFlag&bornV6 != 0 {
		b = append(b, make([]byte, extraV6)...)
	}
	binary.BigEndian.PutUint32(b[atMagic:], magicV1)
	binary.BigEndian.PutUint32(b[atQueue:], uint32(queue))
	binary.BigEndian.PutUint64(b[atOffset:], uint64(offset))
	binary.BigEndian.PutUint64(b[atPhysical:], uint64(physical))
	binary.BigEndian.PutUint32(b[atSysFlag:], sysFlag)
	b = binary.BigEndian.AppendUint32(b, uint32(len(body)))
	b = append(b, body...)
	b = append(b, 1, 'T', 0, 0) // topic, no properties
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}

func TestDecodeMessages(t *testing.T) {
	b := append(message(3, 7, 1000, 0, "one"), message(3, 8, 1200, bornV6, "two")...)
	got, err := decodeMessages(b)
	if err != nil || len(got) != 2 {
		t.Fatalf("%d messages, %v", len(got), err)
	}
	for i, want := range []Message{{3, 7, 1000, []byte("one")}, {3, 8, 1200, []byte("two")}} {
		if g := got[i]; g.Queue != want.Queue || g.Offset != want.Offset || g.Physical != want.Physical || !bytes.Equal(g.Body, want.Body) {
			t.Errorf("message %d: got %+v, want %+v", i, g, want)
		}
	}
}

func FuzzDecodeMessages(f *testing.F) {
	f.Add(message(3, 7, 1000, 0, "one"))
	f.Add(message(3, 7, 1000, bornV6, "one")[:90])
	f.Fuzz(func(_ *testing.T, b []byte) {
		decodeMessages(b)
	})
}

func FuzzReadAnswer(f *testing.F) {
	frame, err := appendFrame(nil, header{Code: 11, Opaque: 7, Flag: flagAnswer, Ext: map[string]string{"a": "b"}}, []byte("body"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(frame)
	f.Fuzz(func(_ *testing.T, b []byte) {
		readAnswer(bytes.NewReader(b))
	})
}

func TestDecodeOffsetMsgID(t *testing.T) {
	host, physical, err := DecodeOffsetMsgID("7F0000010000527700000000000000FB")
	if err != nil || host.String() != "127.0.0.1:21111" || physical != 0xFB {
		t.Errorf("got %v, %d, %v", host, physical, err)
	}
	for _, bad := range []string{"", "7F", "zz", "7F0000010000527700000000000000FB00"} {
		if _, _, err := DecodeOffsetMsgID(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
