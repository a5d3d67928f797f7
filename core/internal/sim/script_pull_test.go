package sim

import (
	"fmt"
	"strings"

	"github.com/gantrymq/gantry/core/filter"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/shard"
)

// cmdPull reads a queue: pull topic=t queue=0 from=0 max=2 tags=(a, b) group=g wait=5s as=name
func (s *stage) cmdPull() {
	c := s.client()
	p := shard.Pull{
		Queue: s.queue(), Group: s.line.text("group", ""), Offset: s.offset("from"),
		MaxMessages: int(s.line.number("max", 0)), Wait: s.line.duration("wait"),
	}
	if s.line.has("tags") {
		var err error
		if p.Filter, err = filter.Parse("TAG", strings.Join(s.line.list("tags"), "||")); err != nil {
			s.say("%s", refusal(err))
			return
		}
	}
	if s.line.has("sql") {
		var err error
		if p.Filter, err = filter.Parse(filter.SQL92, strings.Join(s.line.list("sql"), ",")); err != nil {
			s.say("%s", refusal(err))
			return
		}
	}
	say := s.answer()
	s.cancels[s.line.text("as", "pull")] = c.Pull(p, func(r *shard.Records, err error) {
		if err != nil {
			say("%s", refusal(err))
			return
		}
		say("%s", describeRecords(r))
		r.Release()
	})
	s.submit(c)
}

// offset reads an offset: 5, or 5+1gap behind the first gap.
func (s *stage) offset(key string) model.Offset {
	text, gaps, behind := strings.Cut(s.line.text(key, "0"), "+")
	l := line{s.line.TestData}
	var n, g int64
	if _, err := fmt.Sscan(text, &n); err != nil {
		panic(fmt.Sprintf("%s: %s: %v", l.Pos, key, err))
	}
	if behind {
		fmt.Sscanf(gaps, "%dgap", &g)
	}
	return model.Offset(n + g*gapJump)
}

func describeRecords(r *shard.Records) string {
	status := map[shard.PullStatus]string{
		shard.PullFound: "found", shard.PullNotFound: "nothing yet", shard.PullNoMatch: "no match", shard.PullOffsetMoved: "offset moved",
	}[r.Status]
	lines := []string{fmt.Sprintf("%s, next %s, end %s", status, describeOffset(int64(r.Next)), describeOffset(int64(r.Max)))}
	all, err := receive(r.Bytes())
	if err != nil {
		return err.Error()
	}
	for i := range all {
		m := &all[i]
		text := string(m.body)
		if len(text) > 40 {
			text = fmt.Sprintf("(%d bytes)", len(text))
		}
		if tag := m.property("TAGS"); tag != "" {
			text = "[" + tag + "] " + text
		}
		text += describeTransaction(m)
		lines = append(lines, strings.TrimRight(fmt.Sprintf("  %s %s", describeOffset(m.offset), text), " "))
	}
	return strings.Join(lines, "\n")
}

// cmdCancel ends the wait of a pull: cancel name
func (s *stage) cmdCancel() {
	s.cancels[s.line.first()]()
	s.settle()
}

// cmdClose closes a client: close client=name
func (s *stage) cmdClose() {
	name := s.line.text("client", "default")
	s.client().Close()
	delete(s.clients, name)
	s.settle()
}
