package remoting

import (
	"encoding/base64"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gantrymq/gantry/remoting/wire"
)

func recallRequest(topic, handle string) *wire.Command {
	return wire.NewRequest(wire.RecallMessage, "producerGroup", "pg", "topic", topic, "recallHandle", handle)
}

func handleText(text string) string { return base64.URLEncoding.EncodeToString([]byte(text)) }

func TestDelayedMessages(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		c.send("orders", 0, "first")
		start := time.Now().UnixMilli()
		for body, delay := range map[string]string{
			"level": "DELAY\x012\x02", "ms": "TIMER_DELAY_MS\x01250\x02",
			"at": "TIMER_DELIVER_MS\x01" + strconv.FormatInt(start+1500, 10) + "\x02",
		} {
			resp := c.call(wire.Success, with(sendRequest("orders", 0, body), "i", "KEYS\x01k\x02"+delay+"UNIQ_KEY\x01K-"+body+"\x02"))
			if q, o := number(t, resp, "queueId"), number(t, resp, "queueOffset"); q != 0 || o != 0 {
				t.Errorf("%s: queue %d, offset %d", body, q, o)
			}
			raw, err := base64.URLEncoding.DecodeString(resp.Ext.Text("recallHandle"))
			parts := strings.Split(string(raw), " ")
			if err != nil || len(parts) != 5 || parts[0] != "v1" || parts[1] != "orders" || parts[2] != "gantry-0" || parts[4] != "K-"+body {
				t.Errorf("%s: handle %q", body, raw)
			}
		}
		if plain := c.call(wire.Success, sendRequest("orders", 1, "plain")); plain.Ext.Text("recallHandle") != "" {
			t.Error("a plain message has a handle")
		}
		wants := []struct {
			body string
			due  int64
		}{{"ms", 250}, {"at", 1500}, {"level", 5000}}
		for i, want := range wants {
			resp := c.call(wire.Success, pullRequest("orders", 0, int64(i+1), wire.PullSuspend))
			now := time.Now().UnixMilli()
			all, err := wire.DecodeMessages(nil, resp.Body)
			if err != nil || len(all) != 1 || string(all[0].Body) != want.body {
				t.Fatalf("%d messages: %v", len(all), err)
			}
			m := &all[0]
			if late := now - start - want.due; late < 0 || late > 50 {
				t.Errorf("%s came %d ms after its time", want.body, late)
			}
			if m.QueueOffset != int64(i+1) || m.Stored < start+want.due || property(m, "DELAY") != "" || property(m, "KEYS") != "k" {
				t.Errorf("%s: %+v", want.body, m)
			}
			out, _ := strconv.ParseInt(property(m, "TIMER_OUT_MS"), 10, 64)
			if want.body == "level" && out != 0 || want.body != "level" && out != start+want.due {
				t.Errorf("%s: TIMER_OUT_MS %d", want.body, out)
			}
		}
	})
}

func TestRecall(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		send := func(body string) string {
			resp := c.call(wire.Success, with(sendRequest("orders", 0, body), "i", "TIMER_DELAY_SEC\x0110\x02"))
			return resp.Ext.Text("recallHandle")
		}
		taken, kept := send("taken"), send("kept")
		raw, _ := base64.URLEncoding.DecodeString(taken)
		key := strings.Split(string(raw), " ")[4]
		for _, handle := range []string{taken, strings.TrimRight(taken, "=")} { // the second finds nothing: once is enough
			resp := c.call(map[bool]wire.ResponseCode{true: wire.Success, false: wire.IllegalOperation}[handle == taken && key != ""], recallRequest("orders", handle))
			if resp.Code == int32(wire.Success) && resp.Ext.Text("msgId") != key {
				t.Errorf("recalled %q, want %q", resp.Ext.Text("msgId"), key)
			}
			key = ""
		}
		resp := c.call(wire.Success, pullRequest("orders", 0, 0, wire.PullSuspend))
		if got := bodies(t, resp); len(got) != 1 || got[0] != "kept" {
			t.Errorf("delivered %q", got)
		}
		c.call(wire.IllegalOperation, recallRequest("orders", kept))
	})
}

// A retry of a retry: the copy that waits for its level is found by the offset
// that its consumer was given.
func TestSendBackOfADelayedCopy(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		resp := c.call(wire.Success, sendRequest("orders", 0, "x"))
		at, err := strconv.ParseInt(resp.Ext.Text("msgId")[16:], 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		for attempt := range 4 {
			c.call(wire.Success, sendBackRequest("g", at, "1", "16"))
			time.Sleep(2 * time.Second) // of the bubble's time
			all := c.messages("%RETRY%g", 0)
			if len(all) != attempt+1 || all[attempt].ReconsumeTimes != int32(attempt+1) || all[attempt].QueueOffset != int64(attempt) {
				t.Fatalf("after attempt %d: %d copies", attempt, len(all))
			}
			at = all[attempt].PhysicalOffset
			byID := bodies(t, c.call(wire.Success, wire.NewRequest(wire.ViewMessageByID, "offset", strconv.FormatInt(at, 10))))
			if len(byID) != 1 || byID[0] != "x" {
				t.Errorf("by its id: %q", byID)
			}
		}
	})
}
