package remoting

import (
	"strings"
	"testing"

	"github.com/gantrymq/gantry/remoting/wire"
)

func TestSQL92(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.dial()
		for body, properties := range map[string]string{"no": "a\x013\x02", "yes": "a\x017\x02", "none": "b\x017\x02"} {
			c.call(wire.Success, with(sendRequest("orders", 0, body), "i", properties))
		}
		bodies := func(req *wire.Command) string {
			all, err := wire.DecodeMessages(nil, c.call(wire.Success, req).Body)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i := range all {
				got = append(got, string(all[i].Body))
			}
			return strings.Join(got, " ")
		}
		sql := with(with(pullRequest("orders", 0, 0, wire.PullSubscription), "subscription", "a > 5"), "expressionType", "SQL92")
		if got := bodies(sql); got != "yes" {
			t.Errorf("by the pull's expression: %q", got)
		}
		// Go pulls without an expression: the heartbeat's holds.
		req := heartbeatRequest("one", "cg", "orders", "a > 5")
		req.Body = []byte(strings.Replace(string(req.Body), `"expressionType":"TAG"`, `"expressionType":"SQL92"`, 1))
		c.call(wire.Success, req)
		if got := bodies(pullRequest("orders", 0, 0, 0)); got != "yes" {
			t.Errorf("by the heartbeat's expression: %q", got)
		}
	})
}
