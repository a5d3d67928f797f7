package sim

import (
	"fmt"
	"strings"
	"time"

	"github.com/gantrymq/gantry/core/filter"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/shard"
)

// cmdGroup makes or changes a consumer group: group g attempts=3 order=fifo from=first backoff=(1s, 5s) disabled
func (s *stage) cmdGroup() {
	c := s.client()
	config := model.GroupConfig{
		Name: s.line.first(), MaxAttempts: int32(s.line.number("attempts", 0)), Disabled: s.line.has("disabled"),
		Order: map[string]model.GroupOrder{"fifo": model.OrderFIFO, "none": model.OrderNone}[s.line.text("order", "")],
		From:  map[string]model.StartFrom{"first": model.FromEarliest}[s.line.text("from", "")],
	}
	for _, step := range s.line.list("backoff") {
		d, err := time.ParseDuration(step)
		if err != nil {
			panic(err)
		}
		config.Backoff.Steps = append(config.Backoff.Steps, d)
	}
	say := s.answer()
	c.Admin(shard.PutGroup{Config: config}, func(err error) {
		if err != nil {
			say("%s", refusal(err))
			return
		}
		say("ok")
	})
	s.submit(c)
}

// cmdDeleteGroup deletes a consumer group: delete-group g
func (s *stage) cmdDeleteGroup() {
	c := s.client()
	say := s.answer()
	c.Admin(shard.DeleteGroup{Name: s.line.first()}, func(err error) {
		if err != nil {
			say("%s", refusal(err))
			return
		}
		say("ok")
	})
	s.submit(c)
}

// cmdReceive leases messages: receive group=g topic=t queue=0 max=2 lease=10s wait=5s tags=(a, b) sql="x > 1"
// attempt=id renew as=name. Without a queue it looks at all of the topic's.
func (s *stage) cmdReceive() {
	c := s.client()
	r := shard.Receive{
		Group: s.line.text("group", "g"), Queue: s.queue(), Max: int(s.line.number("max", 0)),
		Invisible: 10 * time.Second, Renew: s.line.has("renew"), Wait: s.line.duration("wait"),
		AttemptID: s.line.text("attempt", ""),
	}
	if !s.line.has("queue") {
		r.Queue.Num = -1
	}
	if s.line.has("lease") {
		r.Invisible = s.line.duration("lease")
	}
	if s.line.has("gone") {
		r.Alive = func() bool { return false }
	}
	var err error
	switch {
	case s.line.has("tags"):
		r.Filter, err = filter.Parse("TAG", strings.Join(s.line.list("tags"), "||"))
	case s.line.has("sql"):
		r.Filter, err = filter.Parse("SQL92", strings.Join(s.line.list("sql"), " "))
	}
	if err != nil {
		s.say("%s", refusal(err))
		return
	}
	say, name := s.answer(), s.line.text("as", "receive")
	s.cancels[name] = c.Receive(r, func(r *shard.Records, err error) {
		if err != nil {
			say("%s", refusal(err))
			return
		}
		say("%s", s.describeDeliveries(name, r))
		r.Release()
	})
	s.submit(c)
}

// describeDeliveries says what was received, and keeps the receipts: the newest of
// a message under its body, each also under body#attempt, and under its call's name
// as in one:body.
func (s *stage) describeDeliveries(name string, r *shard.Records) string {
	if r.Count == 0 {
		return "nothing"
	}
	var lines []string
	all := r.Delivered()
	for i := range all {
		d := &all[i]
		w := r.Wire(d)
		body := string(w.Body())
		if s.receipts == nil {
			s.receipts = map[string]shard.Receipt{}
		}
		s.receipts[body], s.receipts[name+":"+body] = d.Receipt, d.Receipt
		s.receipts[fmt.Sprintf("%s#%d", body, d.Receipt.Attempt)] = d.Receipt
		text := fmt.Sprintf("%d/%s %s", d.Receipt.Cursor.Queue.Num, describeOffset(int64(d.Receipt.Offset)), body)
		if d.Receipt.Attempt > 1 {
			text += fmt.Sprintf(" attempt %d", d.Receipt.Attempt)
		}
		if w.ReconsumeTimes() != d.Receipt.Attempt-1 {
			text += fmt.Sprintf(" but reconsumed %d times", w.ReconsumeTimes())
		}
		lines = append(lines, text)
	}
	return strings.Join(lines, "\n")
}

// cmdAck ends deliveries: ack m1 m2
func (s *stage) cmdAck() { s.settleAs(shard.Ack) }

// cmdChange has deliveries come again later: change m1 after=5s
func (s *stage) cmdChange() { s.settleAs(shard.Change) }

// cmdDead moves messages to the dead letters: dead m1
func (s *stage) cmdDead() { s.settleAs(shard.Dead) }

func (s *stage) settleAs(do shard.Do) {
	c := s.client()
	var names []string
	var all []shard.Settlement
	for _, arg := range s.line.CmdArgs {
		if len(arg.Vals) > 0 {
			continue
		}
		r, known := s.receipts[arg.Key]
		if !known {
			s.say("there is no receipt of %s", arg.Key)
			return
		}
		names = append(names, arg.Key)
		all = append(all, shard.Settlement{Receipt: r, Do: do, After: s.line.duration("after")})
	}
	say := s.answer()
	c.Settle(all, func(done []shard.Settled) {
		var lines []string
		for i, d := range done {
			switch {
			case d.Err != nil:
				lines = append(lines, names[i]+" "+refusal(d.Err))
			case do == shard.Change:
				s.receipts[names[i]] = d.Receipt
			}
		}
		if len(lines) == 0 {
			lines = []string{"ok"}
		}
		say("%s", strings.Join(lines, "\n"))
	})
	s.submit(c)
}

// cmdProgress tells how far a group is: progress group=g topic=t messages
func (s *stage) cmdProgress() {
	c := s.client()
	q := shard.GroupQuery{Group: s.line.text("group", "g"), Topic: s.line.text("topic", "t")}
	if s.line.has("messages") {
		q.InFlight = 10
	}
	say := s.answer()
	c.Progress(q, func(all []shard.Progress, err error) {
		if err != nil {
			say("%s", refusal(err))
			return
		}
		var lines []string
		for i := range all {
			p := &all[i]
			lines = append(lines, fmt.Sprintf("queue %d: done to %s, read to %s of %s, %d in flight, %d to come again",
				p.Queue.Num, describeOffset(int64(p.Floor)), describeOffset(int64(p.Read)), describeOffset(int64(p.Max)), p.InFlight, p.Waiting))
			for _, m := range p.Messages {
				lines = append(lines, fmt.Sprintf("  %s attempt %d %s", describeOffset(int64(m.Offset)), m.Attempt, m.Owner))
			}
		}
		say("%s", strings.TrimRight(strings.Join(lines, "\n"), " "))
	})
	s.submit(c)
}
