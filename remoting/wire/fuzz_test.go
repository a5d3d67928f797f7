package wire

import (
	"bytes"
	"encoding/hex"
	"slices"
	"testing"
)

// FuzzCommand decodes whole frames, and everything in them that has a decoder.
func FuzzCommand(f *testing.F) {
	for _, c := range captures(f) {
		f.Add(c.frame)
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		var first, second Command
		original := slices.Clone(frame)
		if first.Decode(frame) != nil {
			Opaque(original)
			return
		}
		_ = decodeRequest(&first)
		encoded := first.AppendTo(nil)
		if len(encoded) > 6*len(original)+1024 {
			t.Fatalf("%d bytes become %d", len(original), len(encoded))
		}
		switch err := second.Decode(encoded); {
		case err != nil && len(encoded) <= MaxHeader:
			t.Fatalf("decoded, encoded, and not decoded again: %v", err)
		case err == nil && encodable(&first):
			if diff := differ(&first, &second); diff != "" {
				t.Fatalf("after encoding %s", diff)
			}
		}
	})
}

// encodable leaves out what the encoder writes as something else: languages that
// have no name, and codes and versions that need more than the binary 16 bits.
func encodable(c *Command) bool { return int(c.Language) < len(languages) }

// FuzzFrameSize checks that what is known of a frame does not change as its
// bytes come in.
func FuzzFrameSize(f *testing.F) {
	f.Add([]byte{0, 0, 0, 9, 0, 0, 0, 1})
	f.Add([]byte("GET / HTTP/1.1\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		whole, wholeErr := FrameSize(b)
		for n := range len(b) {
			size, err := FrameSize(b[:n])
			if err == nil && size != 0 && wholeErr == nil && size != whole {
				t.Fatalf("size %d after %d bytes, %d after all", size, n, whole)
			}
			if err != nil && wholeErr == nil {
				t.Fatalf("refused after %d bytes, taken after all: %v", n, err)
			}
		}
		if whole > MaxFrame || whole < 0 {
			t.Fatalf("frame of %d bytes", whole)
		}
	})
}

func FuzzJSONHeader(f *testing.F) {
	for _, c := range captures(f) {
		if s, header, _, err := splitFrame(c.frame); err == nil && s == JSON {
			f.Add(header)
		}
	}
	f.Fuzz(func(t *testing.T, header []byte) {
		var c Command
		if c.decodeJSON(header) == nil && len(c.Ext) > MaxFields {
			t.Fatalf("%d ext fields", len(c.Ext))
		}
	})
}

func FuzzBinaryHeader(f *testing.F) {
	for _, c := range captures(f) {
		if s, header, _, err := splitFrame(c.frame); err == nil && s == Binary {
			f.Add(header)
		}
	}
	f.Fuzz(func(t *testing.T, header []byte) {
		var c Command
		if c.decodeBinary(header) == nil && len(c.Ext) > MaxFields {
			t.Fatalf("%d ext fields", len(c.Ext))
		}
	})
}

func FuzzBatch(f *testing.F) {
	for _, c := range captures(f) {
		if _, _, body, err := splitFrame(c.frame); err == nil && c.code == SendBatchMessage {
			f.Add(body)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		messages, err := DecodeBatch(nil, body)
		if err != nil {
			return
		}
		var encoded []byte
		for _, m := range messages {
			encoded = AppendBatchMessage(encoded, m)
		}
		again, err := DecodeBatch(nil, encoded)
		if err != nil || len(encoded) != len(body) || len(again) != len(messages) {
			t.Fatalf("%d messages of %d bytes become %d of %d: %v", len(messages), len(body), len(again), len(encoded), err)
		}
	})
}

func FuzzProperties(f *testing.F) {
	f.Add([]byte("TAGS\x01a\x02KEYS\x01b\x02"))
	f.Add([]byte("TAGS\x01a\x02KEYS\x01b"))
	f.Add([]byte("\x01\x02\x02\x01"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var again []byte
		for name, value := range Properties(text) {
			if bytes.IndexByte(value, valueSeparator) >= 0 {
				t.Fatalf("value %q holds a separator", value)
			}
			again = AppendProperty(again, string(name), string(value))
		}
		if len(again) > len(text)+1 {
			t.Fatalf("%q becomes %q", text, again)
		}
	})
}

func FuzzHeartbeat(f *testing.F) {
	for _, c := range captures(f) {
		if _, _, body, err := splitFrame(c.frame); err == nil && c.code == HeartBeat {
			f.Add(body)
		}
	}
	f.Add([]byte(`{"clientID":"c","consumerDataSet":[{"consumeType":1,"messageModel":1,"consumeFromWhere":4,"subscriptionDataSet":[{"subVersion":1700000000000000001}]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var h Heartbeat
		if h.Decode(body) != nil {
			return
		}
		for i := range h.Consumers {
			h.Consumers[i].TypeName()
			h.Consumers[i].FromName()
			h.Consumers[i].Broadcast()
		}
	})
}

func FuzzMessages(f *testing.F) {
	m := testMessage()
	f.Add(m.AppendTo(nil))
	m.SysFlag, m.Magic = SysBornHostV6|SysStoreHostV6|SysCompressed|SysCompressionLZ4, MagicV2
	f.Add(m.AppendTo(nil))
	f.Fuzz(func(t *testing.T, body []byte) {
		messages, err := DecodeMessages(nil, body)
		if err != nil {
			return
		}
		var again []byte
		for i := range messages {
			again = messages[i].AppendTo(again)
		}
		if second, err := DecodeMessages(nil, again); err != nil || len(second) != len(messages) {
			t.Fatalf("%d messages become %d: %v", len(messages), len(second), err)
		}
		if !NeedsConversion(body) {
			return
		}
		if converted := ConvertMessages(nil, body); len(converted) > len(body)+maxInflated {
			t.Fatalf("%d bytes become %d", len(body), len(converted))
		}
	})
}

func FuzzInflate(f *testing.F) {
	for _, seed := range []string{"789c4bcac92f4a01000866026a", "04224d186440a70500008068656c6c6f00000000", "28b52ffd0405290000"} {
		b, err := hex.DecodeString(seed)
		if err != nil {
			f.Fatal(err)
		}
		for _, kind := range []int32{SysCompressionLZ4, SysCompressionZLIB, SysCompressionZSTD} {
			f.Add(b, kind)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, kind int32) {
		out, err := Inflate(body, kind)
		if err == nil && len(out) > max(1, len(body))*maxRatio {
			t.Fatalf("%d bytes become %d", len(body), len(out))
		}
	})
}

func FuzzMessageID(f *testing.F) {
	f.Add("7F00000100002A9F0000000000000123")
	f.Add("20010DB800000000000000000000000100002A9F0000000000000123")
	f.Fuzz(func(t *testing.T, id string) {
		host, offset, err := ParseMessageID(id)
		if err != nil {
			return
		}
		if again, o, err := ParseMessageID(string(AppendMessageID(nil, host, offset))); err != nil || again != host || o != offset {
			t.Fatalf("%s is %v %d, and then %v %d: %v", id, host, offset, again, o, err)
		}
	})
}
