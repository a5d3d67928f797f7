package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/gantrymq/gantry/core/internal/model"
)

// popSwarm is what a seed makes of message-by-message delivery.
type popSwarm struct {
	popGroups int // how many groups receive; 0: the run has nothing of it
	keys      int // how many message groups there are; 0: none
	ordered   int // one topic in so many is made for ordered messages; 0: none
	ordering  bool
	attempts  []int32    // that a group may be given
	leases    []int64    // ms
	tags      [][]string // what calls filter by; nil takes everything
	owners    bool       // some leases renew themselves
	rewinds   bool       // commits and resets move what is received
	deletes   bool       // groups are deleted
}

func drawPop(seed uint64) popSwarm {
	r := rand.New(rand.NewPCG(seed, 0x706f70))
	s := popSwarm{
		popGroups: pick(r, 0, 1, 1, 2, 3),
		keys:      pick(r, 0, 1, 2, 5, 20),
		ordered:   pick(r, 0, 1, 2, 3),
		ordering:  r.IntN(3) == 0,
		attempts:  pick(r, []int32{1, 2, 3}, []int32{2}, []int32{0, 3, 16}, []int32{1}, []int32{1000}),
		leases:    pick(r, []int64{20, 100, 1000}, []int64{5, 50}, []int64{1000, 10_000, 60_000}, []int64{1, 10, 30_000}),
		owners:    r.IntN(3) > 0,
		rewinds:   r.IntN(2) == 0,
		deletes:   r.IntN(3) == 0,
	}
	s.tags = pick(r, [][]string{nil}, [][]string{nil}, [][]string{nil, {"a"}, {"a", "b"}}, [][]string{{"a", "b", "c"}}, [][]string{{"Aa"}, {"BB"}, nil})
	return s
}

func (s *swarm) popGroup(i int) string { return fmt.Sprintf("pop-%d", i) }

// attributes are those that a topic is made with; its number says whether it is
// for ordered messages.
func (s *swarm) attributes(topic int, round int) map[string]string {
	all := map[string]string{"round": fmt.Sprint(round)}
	if s.ordered > 0 && topic%s.ordered == 0 {
		all[model.AttrKind] = "FIFO"
	}
	return all
}

// popTable lists the steps of groups that receive.
func popTable() []what {
	return []what{
		{"pop receive", 120, nil, (*world).stepReceive},
		{"pop wait", 60, nil, (*world).stepReceiveWait},
		{"pop again", 15, nil, (*world).stepReceiveAgain},
		{"pop gone", 8, nil, (*world).stepGone},
		{"pop ack", 150, nil, (*world).stepAck},
		{"pop change", 30, nil, (*world).stepChange},
		{"pop dead", 8, nil, (*world).stepDead},
		{"pop put group", 8, nil, (*world).stepPutGroup},
		{"pop delete group", 3, nil, (*world).stepDeleteGroup},
		{"pop commit", 6, nil, (*world).stepPopCommit},
		{"pop pull", 6, nil, (*world).stepPopPull},
		{"pop progress", 20, nil, (*world).stepProgress},
		{"pop dead letters", 6, nil, (*world).stepDeadLetters},
	}
}

func isPopStep(name string) bool { return strings.HasPrefix(name, "pop ") }
