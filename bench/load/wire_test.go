package main

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// handEncoded is a request written out by hand from the protocol's description: code 310, opaque 1000000001, one field
// a=g, body "hi".
const handEncoded = `
	00000024          length of what follows: 4 + 30 + 2
	0100001e          serialization 1, header of 21 + 9 bytes
	0136              code 310
	00                language Java
	01df              version 479
	3b9aca01          opaque
	00000000          flag: request
	00000000          no remark
	00000009          extension fields: 9 bytes
	0001 61           key "a"
	00000002 6767     value "gg"
	6869              body`

func handBytes(t *testing.T) []byte {
	t.Helper()
	var digits strings.Builder
	for line := range strings.Lines(handEncoded) {
		for word := range strings.FieldsSeq(line) {
			if _, err := hex.DecodeString(word); err != nil {
				break // the explanation begins
			}
			digits.WriteString(word)
		}
	}
	b, err := hex.DecodeString(digits.String())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBinaryFrameAgainstHandWrittenBytes(t *testing.T) {
	want := handBytes(t)
	got := appendFrame(nil, codecBinary, codeSend, opaqueBase+1, []field{{"a", "gg"}}, []byte("hi"))
	if string(got) != string(want) {
		t.Errorf("frame\n%x, want\n%x", got, want)
	}
}

func TestJSONFrameIsJSONWithEscapedSeparators(t *testing.T) {
	frame := appendFrame(nil, codecJSON, codeSend, opaqueBase+7, []field{{"i", "A\x01b\x02"}, {"q", `"\`}}, []byte("body"))
	a, err := parseAnswer(frame[4:])
	if err != nil {
		t.Fatal(err)
	}
	var h struct {
		Code, Opaque, Flag, Version int
		Language                    string
		ExtFields                   map[string]string
	}
	if err := json.Unmarshal(a.header, &h); err != nil {
		t.Fatalf("%v in %s", err, a.header)
	}
	if h.Code != codeSend || h.Opaque != opaqueBase+7 || h.Version != protocolVersion || h.Language != "JAVA" {
		t.Errorf("header %+v", h)
	}
	if h.ExtFields["i"] != "A\x01b\x02" || h.ExtFields["q"] != `"\` {
		t.Errorf("fields %q", h.ExtFields)
	}
	if string(a.body) != "body" {
		t.Errorf("body %q", a.body)
	}
}

func TestTemplatePatchesOpaqueKeysAndStamp(t *testing.T) {
	for _, c := range []codec{codecBinary, codecJSON} {
		for _, batch := range []int{1, 3} {
			o := &options{topic: "T", codec: c, size: 40, batch: batch, stamped: true}
			tpl := newTemplate(o, route{broker: "b"}, 5)
			key := uint64(0xAB)
			frame := tpl.append(nil, opaqueBase+123456, &key, 77*time.Second)
			a, err := parseAnswer(frame[4:])
			if err != nil {
				t.Fatal(err)
			}
			if a.opaque != opaqueBase+123456 {
				t.Errorf("codec %d batch %d: opaque %d", c, batch, a.opaque)
			}
			if a.code == codeSendBatch != (batch > 1) {
				t.Errorf("codec %d batch %d: code %d", c, batch, a.code)
			}
			if string(a.field("e")) != "5" {
				t.Errorf("codec %d batch %d: queue %q", c, batch, a.field("e"))
			}
			checkKeys(t, string(frame), batch, key)
			if batch == 1 {
				if at, ok := stampOf(a.body); !ok || at != 77*time.Second {
					t.Errorf("codec %d: stamp %v %v", c, at, ok)
				}
			}
		}
	}
}

// checkKeys finds the unique keys in a frame: one in the header, and in a batch one in each message, all different.
func checkKeys(t *testing.T, frame string, batch int, next uint64) {
	t.Helper()
	want := 1
	if batch > 1 {
		want += batch
	}
	seen := map[string]bool{}
	for _, part := range strings.Split(strings.ReplaceAll(frame, `\u0001`, "\x01"), "UNIQ_KEY\x01")[1:] {
		key := part[:keyDigits]
		if _, err := hex.DecodeString(key); err != nil {
			t.Errorf("unique key %q is not hexadecimal", key)
		}
		seen[key] = true
	}
	if len(seen) != want {
		t.Errorf("%d different unique keys in a frame of %d messages, want %d", len(seen), batch, want)
	}
	if next != 0xAB+uint64(want) {
		t.Errorf("the counter went on by %d, want %d", next-0xAB, want)
	}
}

func TestBatchBodyAgainstHandWrittenBytes(t *testing.T) {
	got := hex.EncodeToString(appendBatch(nil, 2, []byte("hi"), "k\x01v\x02"))
	one := "0000001c" + "00000000" + "00000000" + "00000000" + "00000002" + "6869" + "0004" + "6b017602"
	if got != one+one {
		t.Errorf("batch\n%s, want twice\n%s", got, one)
	}
}

func TestTemplateAppendDoesNotAllocate(t *testing.T) {
	o := &options{topic: "T", codec: codecBinary, size: 128, batch: 1}
	tpl := newTemplate(o, route{broker: "b"}, 0)
	dst := make([]byte, 0, 4096)
	var key uint64
	if n := testing.AllocsPerRun(100, func() { dst = tpl.append(dst[:0], opaqueBase, &key, 0) }); n != 0 {
		t.Errorf("%v allocations per request", n)
	}
}
