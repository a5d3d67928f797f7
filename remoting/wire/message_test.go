package wire

import (
	"bytes"
	"compress/zlib"
	"hash/crc32"
	"net/netip"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

func testMessage() Message {
	return Message{
		Magic: MagicV1, Queue: 3, Flag: 5, QueueOffset: 7, PhysicalOffset: 1 << 40, Born: 11, Stored: 13,
		BornHost: netip.MustParseAddrPort("10.0.0.1:1234"), StoreHost: netip.MustParseAddrPort("10.0.0.2:10911"),
		ReconsumeTimes: 2, Body: []byte("body"), Topic: []byte("topic"), Properties: []byte("TAGS\x01a\x02"),
	}
}

func TestMessageSurvivesEncoding(t *testing.T) {
	v6 := netip.MustParseAddrPort("[2001:db8::1]:1234")
	for name, change := range map[string]func(*Message){
		"V1, IPv4":                 func(*Message) {},
		"V2, a topic of 200 bytes": func(m *Message) { m.Magic, m.Topic = MagicV2, bytes.Repeat([]byte("t"), 200) },
		"hosts of IPv6": func(m *Message) {
			m.BornHost, m.StoreHost, m.SysFlag = v6, v6, SysBornHostV6|SysStoreHostV6
		},
	} {
		m := testMessage()
		change(&m)
		got, err := DecodeMessage(m.AppendTo(nil))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got.BornHost != m.BornHost || got.StoreHost != m.StoreHost || !bytes.Equal(got.Topic, m.Topic) ||
			!bytes.Equal(got.Properties, m.Properties) || !bytes.Equal(got.Body, m.Body) ||
			got.QueueOffset != 7 || got.PhysicalOffset != 1<<40 || got.ReconsumeTimes != 2 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestMessageCutShort(t *testing.T) {
	m := testMessage()
	whole := m.AppendTo(nil)
	for n := range len(whole) {
		if _, err := DecodeMessage(whole[:n]); err == nil {
			t.Errorf("%d of %d bytes are a message", n, len(whole))
		}
	}
}

// compressed returns text by each compression that clients use.
func compressed(t *testing.T, text string) map[int32][]byte {
	t.Helper()
	var z, l, s bytes.Buffer
	zw, lw := zlib.NewWriter(&z), lz4.NewWriter(&l)
	sw, err := zstd.NewWriter(&s)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []interface {
		Write([]byte) (int, error)
		Close() error
	}{zw, lw, sw} {
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return map[int32][]byte{SysCompressionZLIB: z.Bytes(), 0: z.Bytes(), SysCompressionLZ4: l.Bytes(), SysCompressionZSTD: s.Bytes()}
}

func TestInflate(t *testing.T) {
	text := strings.Repeat("hello ", 1000)
	for kind, body := range compressed(t, text) {
		if got, err := Inflate(body, SysCompressed|kind); err != nil || string(got) != text {
			t.Errorf("compression %d: %d bytes, %v", kind>>8, len(got), err)
		}
	}
	if _, err := Inflate(nil, SysCompressed|7<<8); err == nil {
		t.Error("an unknown compression is taken")
	}
}

func TestInflateIsBounded(t *testing.T) {
	for kind, body := range compressed(t, strings.Repeat("\x00", maxInflated+1)) {
		if out, err := Inflate(body, SysCompressed|kind); err == nil {
			t.Errorf("compression %d: %d bytes become %d", kind>>8, len(body), len(out))
		}
	}
}

func TestConvertForOldClients(t *testing.T) {
	text := strings.Repeat("hello ", 1000)
	var body []byte
	for kind, b := range compressed(t, text) {
		m := testMessage()
		m.Body, m.SysFlag = b, SysCompressed|kind|SysBornHostV6
		m.BornHost = netip.MustParseAddrPort("[2001:db8::1]:1234")
		body = m.AppendTo(body)
	}
	if !NeedsConversion(body) {
		t.Fatal("nothing is to convert")
	}
	converted := ConvertMessages(nil, body)
	if NeedsConversion(converted) {
		t.Error("there is something left to convert")
	}
	messages, err := DecodeMessages(nil, converted)
	if err != nil || len(messages) != 4 {
		t.Fatalf("%d messages, %v", len(messages), err)
	}
	for _, m := range messages {
		if m.SysFlag&SysCompressed != 0 { // zlib, left as it was
			if m.Body, err = Inflate(m.Body, m.SysFlag); err != nil {
				t.Error(err)
			}
		} else if m.BodyCRC != crc32.ChecksumIEEE(m.Body)&0x7fffffff {
			t.Errorf("CRC %#x is not the body's", m.BodyCRC)
		}
		if string(m.Body) != text || string(m.Properties) != "TAGS\x01a\x02" || m.SysFlag&SysBornHostV6 != 0 {
			t.Errorf("body of %d bytes, properties %q, sysFlag %#x", len(m.Body), m.Properties, m.SysFlag)
		}
	}
}

func TestPlainMessagesNeedNoConversion(t *testing.T) {
	m := testMessage()
	if NeedsConversion(m.AppendTo(m.AppendTo(nil))) {
		t.Error("plain messages are converted")
	}
}

func TestMessageID(t *testing.T) {
	for id, host := range map[string]string{
		"7F00000100002A9F0000000000000123":                         "127.0.0.1:10911",
		"20010DB800000000000000000000000100002A9F0000000000000123": "[2001:db8::1]:10911",
	} {
		got, offset, err := ParseMessageID(id)
		if err != nil || got.String() != host || offset != 0x123 {
			t.Errorf("%s is %v %d %v", id, got, offset, err)
		}
		if back := string(AppendMessageID(nil, got, offset)); back != id {
			t.Errorf("%s becomes %s", id, back)
		}
	}
}

func TestPropertiesWithAndWithoutTheLastSeparator(t *testing.T) {
	for _, text := range []string{"TAGS\x01a\x02KEYS\x01b c\x02", "TAGS\x01a\x02KEYS\x01b c"} {
		if v, ok := Property([]byte(text), "KEYS"); !ok || string(v) != "b c" {
			t.Errorf("%q: KEYS is %q, %v", text, v, ok)
		}
	}
	if _, ok := Property([]byte("KEY\x01a\x02"), "KEYS"); ok {
		t.Error("KEY is taken for KEYS")
	}
}

func TestBatch(t *testing.T) {
	var body []byte
	for _, text := range []string{"a", "", "ccc"} {
		body = AppendBatchMessage(body, BatchMessage{Flag: 3, Body: []byte(text), Properties: []byte("K\x01" + text + "\x02")})
	}
	got, err := DecodeBatch(nil, body)
	if err != nil || len(got) != 3 || string(got[2].Body) != "ccc" || string(got[0].Properties) != "K\x01a\x02" || got[1].Flag != 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	for n := 1; n < len(body); n++ {
		if parts, err := DecodeBatch(nil, body[:n]); err == nil && len(parts) == 3 {
			t.Errorf("%d of %d bytes are the whole batch", n, len(body))
		}
	}
	body[0] = 0xff
	if _, err := DecodeBatch(nil, body); err == nil {
		t.Error("a negative size is taken")
	}
}

func TestHeartbeatOfCPPHasOrdinals(t *testing.T) {
	var h Heartbeat
	err := h.Decode([]byte(`{"clientID":"c","consumerDataSet":[{"groupName":"g","consumeType":1,"messageModel":0,"consumeFromWhere":4,` +
		`"subscriptionDataSet":[{"topic":"t","subString":"*","subVersion":1700000000000000001,"tagsSet":[],"codeSet":["1"]}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	c := &h.Consumers[0]
	if c.TypeName() != "CONSUME_PASSIVELY" || !c.Broadcast() || c.FromName() != "CONSUME_FROM_FIRST_OFFSET" {
		t.Errorf("%s, broadcast %v, %s", c.TypeName(), c.Broadcast(), c.FromName())
	}
	if c.Subscriptions[0].Version != 1700000000000000001 {
		t.Errorf("version %d", c.Subscriptions[0].Version)
	}
}

func TestMissingAndMalformedFieldsAreNamed(t *testing.T) {
	fields := func(pairs ...string) Fields { return NewRequest(0, pairs...).Ext }
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"send without a topic", new(SendRequest).Decode(fields("a", "g")), "the field topic (b) is missing"},
		{"send with a bad queue", new(SendRequest).Decode(fields("a", "g", "e", "four")), `the field queueId (e) is "four", not a number of 32 bits`},
		{"pull without an offset", new(PullRequest).Decode(fields("consumerGroup", "g", "topic", "t", "queueId", "1")), "the field queueOffset is missing"},
		{"commit without an offset", new(OffsetRequest).DecodeCommit(fields("consumerGroup", "g", "topic", "t", "queueId", "1")), "the field commitOffset is missing"},
	}
	for _, tt := range tests {
		if tt.err == nil || tt.err.Error() != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, tt.err, tt.want)
		}
	}
}
