package kill

import "testing"

// good is a history in which all promises hold: plain messages with a redelivery, an ack whose answer was lost, a second
// ack, a send of unknown outcome; and a message group.
func good() History {
	return History{
		Sends: []Send{
			{ID: "a", Outcome: OK},
			{ID: "b", Outcome: OK},
			{ID: "c", Outcome: Unknown},
			{ID: "g0", Group: "g", Number: 0, Outcome: OK},
			{ID: "g1", Group: "g", Number: 1, Outcome: Unknown},
			{ID: "g2", Group: "g", Number: 2, Outcome: OK},
			{ID: "g3", Group: "g", Number: 3, Outcome: OK},
		},
		Deliveries: []Delivery{
			{ID: "a", Answer: 1, Attempt: 1, Invoke: 10, Return: 20, LeaseEnd: 110},
			{ID: "b", Answer: 1, Attempt: 1, Invoke: 10, Return: 20, LeaseEnd: 110},
			{ID: "b", Answer: 2, Attempt: 3, Invoke: 120, Return: 130, LeaseEnd: 220},
			{ID: "g0", Answer: 3, Attempt: 1, Invoke: 10, Return: 20, LeaseEnd: 110},
			{ID: "g2", Answer: 3, Attempt: 1, Invoke: 10, Return: 20, LeaseEnd: 110},
			{ID: "g3", Answer: 4, Attempt: 1, Invoke: 50, Return: 60, LeaseEnd: 150},
		},
		Acks: []Ack{
			{ID: "a", LeaseEnd: 110, Invoke: 30, Return: 40, Outcome: OK},
			{ID: "a", LeaseEnd: 110, Invoke: 41, Return: 42, Outcome: OK},
			{ID: "b", LeaseEnd: 110, Invoke: 115, Return: 118, Outcome: Refused},
			{ID: "b", LeaseEnd: 220, Invoke: 140, Return: 150, Outcome: Unknown},
			{ID: "g0", LeaseEnd: 110, Invoke: 30, Return: 40, Outcome: OK},
			{ID: "g2", LeaseEnd: 110, Invoke: 41, Return: 48, Outcome: OK},
			{ID: "g3", LeaseEnd: 150, Invoke: 70, Return: 80, Outcome: OK},
		},
	}
}

func TestJudgeAcceptsGoodHistory(t *testing.T) {
	if found := Judge(good(), true); len(found) != 0 {
		t.Errorf("violations in a good history: %v", found)
	}
}

// TestJudgeFindsForgery breaks the good history in one way at a time: each must be found, and called what it is.
func TestJudgeFindsForgery(t *testing.T) {
	for _, c := range []struct {
		name, promise string
		forge         func(h *History)
	}{
		{"an acked message comes again", "again", func(h *History) {
			h.Deliveries = append(h.Deliveries, Delivery{ID: "a", Answer: 9, Attempt: 2, Invoke: 50, Return: 60})
		}},
		{"an acked message of a group comes again", "again", func(h *History) {
			h.Deliveries = append(h.Deliveries, Delivery{ID: "g2", Answer: 9, Attempt: 2, Invoke: 90, Return: 95})
		}},
		{"a message is never delivered", "lost", func(h *History) { h.Sends = append(h.Sends, Send{ID: "x", Outcome: OK}) }},
		{"a message that was not acked does not come again", "lost", func(h *History) { h.Acks[3].Outcome = Refused }},
		{"a handle ends before its lease", "handle", func(h *History) { h.Acks[1].Outcome = Refused }},
		{"an attempt is counted twice", "attempt", func(h *History) { h.Deliveries[2].Attempt = 1 }},
		{"a group goes on before its first message is done", "order", func(h *History) { h.Acks[4].Invoke, h.Acks[4].Return = 100, 101 }},
		{"a group's messages come in another order", "order", func(h *History) {
			h.Deliveries[3], h.Deliveries[4] = h.Deliveries[4], h.Deliveries[3]
			h.Acks[4].Invoke = 45
		}},
		{"a message that nobody sent", "invented", func(h *History) {
			h.Deliveries = append(h.Deliveries, Delivery{ID: "x", Answer: 9, Attempt: 1, Invoke: 1, Return: 2})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := good()
			c.forge(&h)
			found := Judge(h, true)
			for _, v := range found {
				if v.Promise == c.promise {
					return
				}
			}
			t.Errorf("no violation of %q found, only %v", c.promise, found)
		})
	}
}

// TestJudgeAllowsProvisionalAcks: an ack in a message group before all earlier ones are acked may be for nothing.
func TestJudgeAllowsProvisionalAcks(t *testing.T) {
	h := good()
	h.Acks[4] = Ack{ID: "g0", LeaseEnd: 210, Invoke: 170, Return: 180, Outcome: OK}
	h.Acks[6] = Ack{ID: "g3", LeaseEnd: 260, Invoke: 230, Return: 240, Outcome: OK}
	h.Deliveries = append(h.Deliveries[:5],
		Delivery{ID: "g0", Answer: 8, Attempt: 2, Invoke: 120, Return: 130, LeaseEnd: 210},
		Delivery{ID: "g2", Answer: 8, Attempt: 2, Invoke: 120, Return: 130, LeaseEnd: 210},
		Delivery{ID: "g3", Answer: 9, Attempt: 1, Invoke: 200, Return: 210, LeaseEnd: 260})
	if found := Judge(h, true); len(found) != 0 {
		t.Errorf("violations: %v", found)
	}
}
