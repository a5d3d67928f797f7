package main

import (
	"encoding/binary"
	"encoding/hex"
	"testing"
)

// jsonFrame puts a header text into a frame without its leading length.
func jsonFrame(header, body string) []byte {
	frame := binary.BigEndian.AppendUint32(nil, uint32(len(header)))
	return append(append(frame, header...), body...)
}

func TestParseAnswerJSON(t *testing.T) {
	for _, tt := range []struct {
		name, header string
		code         int
		opaque       int32
		response     bool
	}{
		{"as Java writes it", `{"code":0,"extFields":{"queueId":"3","msgId":"A"},"flag":1,"language":"JAVA","opaque":1000000042,"version":479}`, 0, 1000000042, true},
		{"blanks and a negative opaque", "{ \"opaque\" : -7 ,\n \"flag\":1, \"code\" : 17 }\n", 17, -7, true},
		{"the same names deeper and in values", `{"extFields":{"code":"9","opaque":"8","x":"\"code\":5"},"remark":"\"opaque\":6","code":2,"opaque":3,"flag":1}`, 2, 3, true},
		{"a request of the server", `{"code":40,"flag":2,"opaque":5}`, 40, 5, false},
	} {
		a, err := parseAnswer(jsonFrame(tt.header, "xy"))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if a.code != tt.code || a.opaque != tt.opaque || a.response != tt.response || string(a.body) != "xy" {
			t.Errorf("%s: %d %d %v %q", tt.name, a.code, a.opaque, a.response, a.body)
		}
	}
}

func TestParseAnswerBinaryFieldsAndRemark(t *testing.T) {
	header, err := hex.DecodeString("0013" + "00" + "01df" + "3b9aca02" + "00000001" + "00000003" + "6e6f21" + // 19, response, remark "no!"
		"00000017" + "0009" + hex.EncodeToString([]byte("minOffset")) + "00000001" + "37" + // minOffset=7
		"0001" + "62" + "00000000") // b=""
	if err != nil {
		t.Fatal(err)
	}
	frame := binary.BigEndian.AppendUint32(nil, uint32(codecBinary)<<24|uint32(len(header)))
	a, err := parseAnswer(append(append(frame, header...), "body"...))
	if err != nil {
		t.Fatal(err)
	}
	if a.code != codePullNotFound || a.opaque != opaqueBase+2 || !a.response || string(a.body) != "body" {
		t.Errorf("%d %d %v %q", a.code, a.opaque, a.response, a.body)
	}
	if string(a.binaryRemark()) != "no!" {
		t.Errorf("remark %q", a.binaryRemark())
	}
	if n, err := a.number("minOffset"); n != 7 || err != nil {
		t.Errorf("minOffset %d %v", n, err)
	}
	if _, err := a.number("b"); err == nil {
		t.Error("an empty number was accepted")
	}
	if a.field("c") != nil {
		t.Error("found a field that is not there")
	}
}

func FuzzParseAnswer(f *testing.F) {
	f.Add(jsonFrame(`{"code":0,"opaque":1,"flag":1,"extFields":{"offset":"5"}}`, "b"))
	f.Add(appendFrame(nil, codecBinary, 11, 5, []field{{"offset", "5"}}, []byte("b"))[4:])
	f.Fuzz(func(_ *testing.T, frame []byte) {
		a, err := parseAnswer(frame)
		if err != nil {
			return
		}
		a.field("offset")
		a.remark()
		if a.codec != codecJSON {
			a.binaryRemark()
		}
		for body := a.body; len(body) > 0; {
			if _, body, err = nextMessage(body); err != nil {
				return
			}
		}
	})
}
