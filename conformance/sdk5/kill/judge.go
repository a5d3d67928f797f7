package kill

import (
	"fmt"
	"slices"
)

// Violation is one broken promise.
type Violation struct {
	Promise string // again, lost, handle, attempt, order, invented
	Text    string
}

func (v Violation) String() string { return v.Promise + ": " + v.Text }

// judge is a history with what is looked up in it.
type judge struct {
	sends      map[string]Send
	groups     map[string][]Send // in the order of their numbers
	deliveries map[string][]Delivery
	acks       map[string][]Ack
	found      []Violation
}

// Judge returns every violation that a history shows. complete says that receivers went on until nothing was left: then
// what was not delivered is lost.
func Judge(h History, complete bool) []Violation {
	j := &judge{sends: map[string]Send{}, groups: map[string][]Send{}, deliveries: map[string][]Delivery{}, acks: map[string][]Ack{}}
	for _, s := range h.Sends {
		j.sends[s.ID] = s
		if s.Group != "" {
			j.groups[s.Group] = append(j.groups[s.Group], s)
		}
	}
	for _, group := range j.groups {
		slices.SortFunc(group, func(a, b Send) int { return a.Number - b.Number })
	}
	for _, d := range h.Deliveries {
		j.deliveries[d.ID] = append(j.deliveries[d.ID], d)
	}
	for _, a := range h.Acks {
		j.acks[a.ID] = append(j.acks[a.ID], a)
	}
	for id, deliveries := range j.deliveries {
		slices.SortFunc(deliveries, func(a, b Delivery) int { return int(a.Return - b.Return) })
		j.message(id, deliveries)
	}
	j.handles(h.Acks)
	j.order(h.Deliveries)
	if complete {
		j.lost(h.Sends)
	}
	return j.found
}

func (j *judge) report(promise, format string, args ...any) {
	j.found = append(j.found, Violation{promise, fmt.Sprintf(format, args...)})
}

// message: the deliveries of one message, the earlier first, have rising attempts, and none follows an ack.
func (j *judge) message(id string, deliveries []Delivery) {
	if _, sent := j.sends[id]; !sent {
		j.report("invented", "%s was delivered and never sent", id)
		return
	}
	for i := 1; i < len(deliveries); i++ {
		if deliveries[i].Invoke > deliveries[i-1].Return && deliveries[i].Attempt <= deliveries[i-1].Attempt {
			j.report("attempt", "%s was delivered with attempt %d after attempt %d", id, deliveries[i].Attempt, deliveries[i-1].Attempt)
		}
	}
	for _, a := range j.acks[id] {
		if a.Outcome != OK || !j.final(id, a) {
			continue
		}
		for _, d := range deliveries {
			if d.Invoke > a.Return {
				j.report("again", "%s was delivered with attempt %d by a receive that began %d ms after its ack was answered",
					id, d.Attempt, (d.Invoke-a.Return)/1e6)
			}
		}
	}
}

// final tells whether an ack ends its message for good: in a message group it does once all earlier ones are acked.
func (j *judge) final(id string, ack Ack) bool {
	s := j.sends[id]
	for _, earlier := range j.groups[s.Group] {
		if earlier.Number >= s.Number {
			break
		}
		if len(j.deliveries[earlier.ID]) > 0 && !j.ackedBefore(earlier.ID, ack.Return, OK) {
			return false
		}
	}
	return true
}

// ackedBefore tells whether a message had been acked, with one of the outcomes, by an ack that began before a time.
func (j *judge) ackedBefore(id string, before int64, outcomes ...Outcome) bool {
	return slices.ContainsFunc(j.acks[id], func(a Ack) bool { return a.Invoke < before && slices.Contains(outcomes, a.Outcome) })
}

// handles: an ack within its lease succeeds, also the second one.
func (j *judge) handles(acks []Ack) {
	for _, a := range acks {
		if a.Outcome == Refused && a.Return < a.LeaseEnd {
			j.report("handle", "an ack of %s was refused %d ms before its lease ended: %s", a.ID, (a.LeaseEnd-a.Return)/1e6, a.Why)
		}
	}
}

// order: a message of a group is delivered once all that were sent before it are done, or behind them in the same answer.
func (j *judge) order(all []Delivery) {
	in := map[int][]string{} // what an answer has had so far
	for _, d := range all {
		s := j.sends[d.ID]
		for _, earlier := range j.groups[s.Group] {
			if earlier.Number >= s.Number {
				break
			}
			if earlier.Outcome != OK && len(j.deliveries[earlier.ID]) == 0 {
				continue // it may never have been stored
			}
			if !j.ackedBefore(earlier.ID, d.Return, OK, Unknown) && !slices.Contains(in[d.Answer], earlier.ID) {
				j.report("order", "%s was delivered (attempt %d) before %s was done, whose send ended %s and which was delivered %d times",
					d.ID, d.Attempt, earlier.ID, earlier.Outcome, len(j.deliveries[earlier.ID]))
			}
		}
		in[d.Answer] = append(in[d.Answer], d.ID)
	}
}

// lost: what was acknowledged was delivered, and was not left without an ack.
func (j *judge) lost(sends []Send) {
	for _, s := range sends {
		if s.Outcome != OK {
			continue
		}
		settled := slices.ContainsFunc(j.acks[s.ID], func(a Ack) bool { return a.Outcome != Refused })
		switch {
		case len(j.deliveries[s.ID]) == 0:
			j.report("lost", "%s was acknowledged and never delivered", s.ID)
		case !settled:
			j.report("lost", "%s was delivered %d times, not acked, and did not come again", s.ID, len(j.deliveries[s.ID]))
		}
	}
}
