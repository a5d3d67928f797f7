package sim

import (
	"strings"

	"github.com/gantrymq/gantry/core/filter"
	"github.com/gantrymq/gantry/core/internal/shard"
)

// cmdCommit stores a group's offset: commit group=g topic=t queue=0 offset=5 one-way
func (s *stage) cmdCommit() { s.commit(false) }

// cmdReset has the group's next pull begin elsewhere: reset group=g topic=t queue=0 offset=0
func (s *stage) cmdReset() { s.commit(true) }

func (s *stage) commit(reset bool) {
	c := s.client()
	to := []shard.CursorOffset{{Group: s.line.text("group", "g"), Queue: s.queue(), Offset: s.offset("offset"), Reset: reset}}
	if s.line.has("one-way") {
		c.Commit(to, nil)
		s.submit(c)
		return
	}
	say := s.answer()
	c.Commit(to, func(err error) {
		if err != nil {
			say("%s", refusal(err))
			return
		}
		say("ok")
	})
	s.submit(c)
}

// cmdCommitted asks for it: committed group=g topic=t queue=0
func (s *stage) cmdCommitted() {
	s.ask(shard.OffsetQuery{Kind: shard.OffsetCommitted, Group: s.line.text("group", "g")})
}

// cmdEnds asks for the first offset and the end of a queue: ends topic=t queue=0
func (s *stage) cmdEnds() { s.ask(shard.OffsetQuery{Kind: shard.OffsetMax}) }

// cmdByTime searches by store time, counted from the start of the script:
// by-time topic=t queue=0 at=1s upper
func (s *stage) cmdByTime() {
	s.ask(shard.OffsetQuery{Kind: shard.OffsetByTime, Time: epoch + s.line.duration("at").Milliseconds(), Upper: s.line.has("upper")})
}

func (s *stage) ask(q shard.OffsetQuery) {
	c := s.client()
	q.Queue = s.queue()
	say := s.answer()
	c.Offsets([]shard.OffsetQuery{q}, func(infos []shard.OffsetInfo, err error) {
		switch {
		case err != nil:
			say("%s", refusal(err))
		case infos[0].Err != nil:
			say("%s", refusal(infos[0].Err))
		case q.Kind == shard.OffsetMax:
			say("from %d to %s", infos[0].Min, describeOffset(int64(infos[0].Offset)))
		default:
			say("%s", describeOffset(int64(infos[0].Offset)))
		}
	})
	s.submit(c)
}

// cmdJoin makes a client a member of groups: join client=c group=(g, h) topic=t tags=(a, b)
func (s *stage) cmdJoin() {
	c := s.client()
	state := shard.ClientState{ClientID: s.line.text("client", "default")}
	for _, group := range s.line.list("group") {
		consumer := shard.Consumer{Group: group}
		if s.line.has("topic") {
			consumer.Subscriptions = []shard.Subscription{s.subscription()}
		}
		state.Consumers = append(state.Consumers, consumer)
	}
	say := s.answer()
	c.Update(state, func(_ shard.UpdateResult, err error) {
		if err != nil {
			say("%s", refusal(err))
			return
		}
		say("joined")
	})
	s.submit(c)
}

func (s *stage) subscription() shard.Subscription {
	expression := strings.Join(s.line.list("tags"), "||")
	f, err := filter.Parse("TAG", expression)
	if err != nil {
		panic(err)
	}
	return shard.Subscription{Topic: s.line.text("topic", "t"), Kind: "TAG", Expression: expression, Filter: f}
}

// cmdLeave takes a client out of a group: leave client=c group=g
func (s *stage) cmdLeave() {
	c := s.client()
	c.Leave("", s.line.text("group", "g"), func(error) {})
	s.submit(c)
}

// cmdMembers lists who is in a group: members group=g
func (s *stage) cmdMembers() {
	c := s.client()
	c.Members(s.line.text("group", "g"), func(list []shard.Member, _ error) {
		var ids []string
		for _, m := range list {
			ids = append(ids, m.ClientID)
		}
		s.say("members: %s", strings.Join(ids, " "))
	})
	s.submit(c)
}
