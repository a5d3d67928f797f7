package shard

import (
	"slices"

	"github.com/gantrymq/gantry/core/internal/delay"
)

// producers are the live members of producer groups that can be asked about
// transactions, by the hash of the group's name.
type producers map[uint32]*producerGroup

type producerGroup struct {
	list []*member // in the order in which they came
	turn int       // of the next that is asked
}

// replace notes that a member is now of these producer groups, and no longer of
// those that its state has.
func (p *producers) replace(s *Shard, m *member, groups []string) {
	if m.client.info.Push == nil {
		return
	}
	for _, name := range m.state.Producers {
		if !slices.Contains(groups, name) {
			p.remove(delay.KeyHash(name), m)
		}
	}
	for _, name := range groups {
		if hash := delay.KeyHash(name); p.add(hash, m) {
			s.checks.resume(s, hash)
		}
	}
}

// add reports whether the member was not there.
func (p *producers) add(hash uint32, m *member) bool {
	if *p == nil {
		*p = make(producers)
	}
	g := (*p)[hash]
	if g == nil {
		g = &producerGroup{}
		(*p)[hash] = g
	}
	if slices.Contains(g.list, m) {
		return false
	}
	g.list = append(g.list, m)
	return true
}

func (p *producers) remove(hash uint32, m *member) {
	g := (*p)[hash]
	if g == nil {
		return
	}
	if i := slices.Index(g.list, m); i >= 0 {
		g.list = slices.Delete(g.list, i, i+1)
	}
	if len(g.list) == 0 {
		delete(*p, hash)
	}
}

// next returns the member of a group whose turn it is, nil if nobody lives.
func (p *producers) next(group string) *member {
	g := (*p)[delay.KeyHash(group)]
	if g == nil {
		return nil
	}
	for range g.list {
		g.turn++
		m := g.list[g.turn%len(g.list)]
		if slices.Contains(m.state.Producers, group) { // and not another group of the same hash
			return m
		}
	}
	return nil
}
