package record_test

import (
	"net/netip"
	"testing"

	"github.com/gantrymq/gantry/core/record"
)

func TestCopy(t *testing.T) {
	for _, host := range []string{"10.1.2.3:4567", "[2001:db8::1]:4567"} {
		m := record.Message{
			Flag: 7, Born: 1234567, BornHost: netip.MustParseAddrPort(host), Body: []byte("body"), Topic: "from",
			Properties: []byte("TAGS\x01a\x02DELAY\x013\x02KEYS\x01k"),
		}
		w, ok := record.Copy(nil, m.Append(nil), "to", 5, []record.PropertyValue{{Key: "DELAY"}, {Key: "ORIGIN", Value: "from"}})
		if !ok {
			t.Fatal("no room")
		}
		if _, fits := record.Check(w); !fits {
			t.Fatal("the copy is no message")
		}
		if w.BornHost() != m.BornHost || w.Message().Born != m.Born || w.Message().Flag != 7 || w.ReconsumeTimes() != 5 ||
			string(w.Topic()) != "to" || string(w.Body()) != "body" {
			t.Errorf("copied: host %v, born %d, flag %d, reconsume %d, topic %s, body %s", w.BornHost(), w.Message().Born, w.Message().Flag, w.ReconsumeTimes(), w.Topic(), w.Body())
		}
		if got, want := string(w.Properties()), "TAGS\x01a\x02KEYS\x01k\x02ORIGIN\x01from\x02"; got != want {
			t.Errorf("properties %q, want %q", got, want)
		}
	}
}
