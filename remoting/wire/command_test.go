package wire

import (
	"encoding/binary"
	"encoding/json"
	"strings"
	"testing"
)

// frameOf makes a frame of a header and a body.
func frameOf(s Serialization, header, body string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(4+len(header)+len(body)))
	b = binary.BigEndian.AppendUint32(b, uint32(s)<<24|uint32(len(header)))
	return append(append(b, header...), body...)
}

func TestJSONHeaderIsReadTolerantly(t *testing.T) {
	tests := []struct{ name, header, ext string }{
		{"no ext fields", `{"code":34,"opaque":7}`, ""},
		{"null ext fields", `{"code":34,"opaque":7,"extFields":null}`, ""},
		{"unknown fields of any type", `{"x":[1,{"y":null},[]],"code":34,"opaque":7,"z":{"a":{}}}`, ""},
		{"blanks and a line end", " { \"code\" : 34 ,\t\"opaque\" : 7 , \"extFields\" : { \"a\" : \"b\" } } \n", "a=b"},
		{"numbers, booleans and null", `{"code":34,"opaque":7,"extFields":{"d":4,"f":-1,"k":false,"n":null,"t":true}}`, "d=4 f=-1 k=false t=true"},
		{"code in quotes", `{"code":"34","opaque":"7"}`, ""},
		{"escapes", `{"code":34,"opaque":7,"extFields":{"i":"K\u0001v\u0002","u":"\u00e4\ud83d\ude00","q":"\"\\\/\n\x01"}}`, "i=K\x01v\x02 u=ä😀 q=\"\\/\n\x01"},
		{"a lone surrogate", `{"code":34,"opaque":7,"extFields":{"u":"\ud83dx"}}`, "u=\ufffdx"},
		{"a nested ext value is dropped", `{"code":34,"opaque":7,"extFields":{"a":{"b":1},"c":["d"],"e":"f"}}`, "e=f"},
		{"empty text", `{"code":34,"opaque":7,"extFields":{"Signature":""}}`, "Signature="},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var cmd Command
			if err := cmd.Decode(frameOf(JSON, tt.header, "body")); err != nil {
				t.Fatal(err)
			}
			if cmd.Code != 34 || cmd.Opaque != 7 || string(cmd.Body) != "body" {
				t.Errorf("code %d, opaque %d, body %q", cmd.Code, cmd.Opaque, cmd.Body)
			}
			var fields []string
			for _, f := range cmd.Ext {
				fields = append(fields, string(f.Key)+"="+string(f.Value))
			}
			if got := strings.Join(fields, " "); got != tt.ext {
				t.Errorf("ext fields %q, want %q", got, tt.ext)
			}
		})
	}
}

func TestLanguageIsANameOrAnOrdinal(t *testing.T) {
	for text, want := range map[string]Language{`"GO"`: Go, `"CPP"`: CPP, "1": CPP, `"9"`: Go, `"COBOL"`: Other, "200": Other} {
		var cmd Command
		if err := cmd.Decode(frameOf(JSON, `{"language":`+text+`}`, "")); err != nil || cmd.Language != want {
			t.Errorf("%s is %v, %v; want %v", text, cmd.Language, err, want)
		}
	}
}

func TestBadHeadersAreErrors(t *testing.T) {
	deep := strings.Repeat("[", 100)
	many := `{"extFields":{` + strings.TrimSuffix(strings.Repeat(`"k":"v",`, MaxFields+1), ",") + `}}`
	tests := []struct {
		name string
		s    Serialization
		text string
	}{
		{"nothing", JSON, ""},
		{"no object", JSON, "7"},
		{"no end", JSON, `{"code":34`},
		{"no end of a string", JSON, `{"co`},
		{"a bad escape", JSON, `{"a":"\q"}`},
		{"a cut escape", JSON, `{"a":"\u00`},
		{"a text for a number", JSON, `{"code":"x"}`},
		{"a number too large", JSON, `{"opaque":2147483648}`},
		{"no comma", JSON, `{"a":1 "b":2}`},
		{"nested too deep", JSON, `{"a":` + deep},
		{"too many fields", JSON, many},
		{"header too long", JSON, `{"a":"` + strings.Repeat("x", MaxHeader) + `"}`},
		{"short binary", Binary, "12345678901234567890"},
		{"binary remark beyond the end", Binary, "\x00\x0a\x00\x00\x01\x00\x00\x00\x07\x00\x00\x00\x00\xff\xff\xff\xff\x00\x00\x00\x00"},
		{"binary fields beyond the end", Binary, "\x00\x0a\x00\x00\x01\x00\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09"},
		{"another serialization", 2, "{}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := new(Command).Decode(frameOf(tt.s, tt.text, "")); err == nil {
				t.Error("it is taken")
			}
		})
	}
}

func TestOpaqueOfABadHeader(t *testing.T) {
	for header, want := range map[string]int32{
		`{"code":"x","opaque":-42,`: -42,
		`{"opaque" : 7, "code":}`:   7,
		"\x00\x0a\x00\x00\x01\x00\x00\x00\x07\x00\x00\x00\x00\xff\xff\xff\xff\x00\x00\x00\x00": 7,
	} {
		s := JSON
		if header[0] == 0 {
			s = Binary
		}
		if got, ok := Opaque(frameOf(s, header, "")); !ok || got != want {
			t.Errorf("%q: %d, %v; want %d", header, got, ok, want)
		}
	}
	if _, ok := Opaque(frameOf(JSON, `{"code":1}`, "")); ok {
		t.Error("an opaque is found where none is")
	}
}

func TestFrameSizeRefusesWhatIsNoFrame(t *testing.T) {
	for name, b := range map[string][]byte{
		"too long":              {0x01, 0x00, 0x00, 0x00, 0},
		"negative":              {0xff, 0xff, 0xff, 0xff, 0},
		"no room for a header":  {0, 0, 0, 3, 0},
		"HTTP":                  []byte("GET / HTTP/1.1\r\n"),
		"TLS":                   {0x16, 0x03, 0x01, 0x02, 0x00},
		"another serialization": {0, 0, 0, 9, 2},
	} {
		if n, err := FrameSize(b); err == nil {
			t.Errorf("%s: a frame of %d bytes", name, n)
		}
	}
	if n, err := FrameSize([]byte{0x00, 0xff, 0xff, 0xfc}); n != MaxFrame || err != nil {
		t.Errorf("the largest frame: %d, %v", n, err)
	}
}

func TestHeaderLengthThatLies(t *testing.T) {
	frame := frameOf(JSON, `{"code":34}`, "")
	frame[7] = 200
	if err := new(Command).Decode(frame); err == nil {
		t.Error("a header beyond the frame is taken")
	}
}

func TestAnswersAreStandardJSON(t *testing.T) {
	w := BeginAnswer(nil, JSON, Success, -3)
	w.Int("queueId", 7)
	w.Text("text", "a\"\\\x01\nä")
	w.Raw("msgId", []byte("7F"))
	w.Body([]byte("body"))
	frame := w.End()
	_, header, body, err := splitFrame(frame)
	if err != nil || string(body) != "body" {
		t.Fatalf("body %q, %v", body, err)
	}
	var got struct {
		Code, Flag, Opaque, Version int
		Language                    string
		ExtFields                   map[string]string
	}
	if strings.ContainsAny(string(header), " \n") {
		t.Errorf("blanks in %s", header)
	}
	if err := json.Unmarshal(header, &got); err != nil {
		t.Fatalf("%s: %v", header, err)
	}
	if got.Opaque != -3 || got.Flag != 1 || got.Version != VersionSpoken || got.Language != "JAVA" {
		t.Errorf("header %s", header)
	}
	if got.ExtFields["queueId"] != "7" || got.ExtFields["text"] != "a\"\\\x01\nä" || got.ExtFields["msgId"] != "7F" {
		t.Errorf("ext fields %v", got.ExtFields)
	}
}

func TestExtFieldsOfAnAnswerAreNeverNull(t *testing.T) {
	w := BeginAnswer(nil, JSON, Success, 1)
	if frame := string(w.End()); !strings.Contains(frame, `"extFields":{}`) {
		t.Errorf("frame %q", frame)
	}
}

func TestTruncatedCodes(t *testing.T) {
	for _, code := range []RequestCode{PopMessage, PopRollback, PopLiteMessage, TriggerLiteDispatch, BatchAckMessage} {
		if got := RequestCode(int16(code)).Canonical(); got != code {
			t.Errorf("%d arrives as %d and becomes %d", code, int16(code), got)
		}
	}
	for _, code := range []RequestCode{SendMessageV2, AuthCreateUser, AuthListACL, PopMessage, SwitchTimerEngine} {
		if got := code.Canonical(); got != code {
			t.Errorf("%d becomes %d", code, got)
		}
	}
}

func TestDecodingAllocatesNothing(t *testing.T) {
	var cmd Command
	var req SendRequest
	frame := readHex(t, "testdata/captures/java-5.3.3-json-310.hex")
	scratch := make([]byte, len(frame))
	if n := testing.AllocsPerRun(100, func() {
		copy(scratch, frame)
		if err := cmd.Decode(scratch); err != nil {
			t.Fatal(err)
		}
		if err := req.Decode(cmd.Ext); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, name := range []string{"java-5.3.3-json-310", "java-5.3.3-rocketmq-310", "java-5.3.3-json-11"} {
		b.Run(name, func(b *testing.B) {
			frame := readHex(b, "testdata/captures/"+name+".hex")
			scratch := make([]byte, len(frame))
			var cmd Command
			var send SendRequest
			var pull PullRequest
			b.ReportAllocs()
			for b.Loop() {
				copy(scratch, frame)
				if cmd.Decode(scratch) != nil {
					b.Fatal()
				}
				if cmd.Code == int32(SendMessageV2) {
					_ = send.Decode(cmd.Ext)
				} else {
					_ = pull.Decode(cmd.Ext)
				}
			}
		})
	}
}
