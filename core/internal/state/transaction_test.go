package state

import (
	"testing"

	"github.com/gantrymq/gantry/core/internal/delay"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/txn"
	"github.com/gantrymq/gantry/core/record"
	"pgregory.net/rapid"
)

// half returns a prepared message whose record will end at an LSN.
func half(q *Queue, immunity string, end model.LSN) *record.Data {
	m := record.Message{Topic: q.Topic.Config.Name, Body: []byte("b")}
	m.Properties = []byte("PGROUP\x01pg\x02UNIQ_KEY\x01k\x02CHECK_IMMUNITY_TIME_IN_SECONDS\x01" + immunity + "\x02")
	d := &record.Data{Topic: q.Topic.ID, Queue: q.Num, DeliverAt: model.Prepared, Wire: record.Wire(m.Append(nil))}
	d.Wire.Place(q.Num, 0, int64(end)-int64(record.Size(d)), 1000)
	return d
}

// transact does something to transactions.
func (l *life) transact(t *rapid.T) {
	var open []model.LSN
	l.open.Each(0, func(o *txn.Open) bool { open = append(open, o.ID); return true })
	op := rapid.IntRange(0, 7).Draw(t, "txn op")
	if len(open) == 0 || op < 3 {
		if q := l.anyQueue(t); q != nil {
			l.apply(t, half(q, rapid.SampledFrom([]string{"", "9", "x"}).Draw(t, "immunity"), l.end+1000))
		}
		return
	}
	id := rapid.SampledFrom(open).Draw(t, "which")
	m := l.Prepared(id)
	q := l.TopicByID(m.Topic).Queues[m.Queue()]
	switch op {
	case 3:
		l.apply(t, &record.Publish{
			Topic: m.Topic, Queue: m.Queue(), Offset: q.Next, StoreTime: 7, DeliverAt: model.Prepared, ID: id, At: m.At(), Size: m.Size(),
		})
	case 4, 5:
		l.apply(t, &record.Txn{Op: record.TxnOp(op - 4), ID: id})
	case 6:
		l.apply(t, &record.Txn{Op: record.TxnCheck, ID: id, Time: int64(l.end)})
	case 7:
		d := half(q, "", 0)
		d.Wire.Place(q.Num, 0, int64(id), 0)
		l.apply(t, &record.Relocate{Data: *d})
	}
}

// opened returns a state with one transaction that is open.
func opened(t *testing.T) (*State, *delay.Message) {
	t.Helper()
	s := New(0)
	for _, e := range []record.Entry{&record.Topic{ID: 1, Config: model.TopicConfig{Name: "t", ReadQueues: 1, WriteQueues: 1}}, nil} {
		if e == nil {
			e = half(s.Topic("t").Queues[0], "9", 2000)
		}
		if err := s.Apply(e, 2000); err != nil {
			t.Fatal(err)
		}
	}
	return s, s.delayed.First()
}

func TestTransactionsAreKept(t *testing.T) {
	s, m := opened(t)
	id := m.ID()
	open := s.open.Get(id)
	if open == nil || *open != (txn.Open{ID: id, Since: 1000, Producer: delay.KeyHash("pg"), Immunity: 9}) || m.Key != delay.KeyHash("k") {
		t.Fatalf("open %+v, of message %+v", open, m)
	}
	if err := s.Apply(&record.Txn{Op: record.TxnCheck, ID: id, Time: 7000}, 3000); err != nil || open.Checks != 1 || open.Since != 7000 {
		t.Fatalf("checked: %+v, %v", open, err)
	}
	if err := s.Apply(&record.Txn{Op: record.TxnRollback, ID: id}, 4000); err != nil || s.open.Len() != 0 || s.delayed.Len() != 0 {
		t.Fatalf("%d open, %d messages, %v", s.open.Len(), s.delayed.Len(), err)
	}
	if end, known, vague := s.Ended(id); !known || vague || end.How != model.Rollback || end.Producer != delay.KeyHash("pg") || end.Key != delay.KeyHash("k") {
		t.Fatalf("ended %+v, known %v, vague %v", end, known, vague)
	}
	if _, known, vague := s.Ended(0); known || vague {
		t.Fatal("what never was is said to have ended")
	}
}

func TestApplyRefusesWhatIsNotOpen(t *testing.T) {
	s, m := opened(t)
	id := m.ID()
	commit := record.Publish{Topic: 1, StoreTime: 6, DeliverAt: model.Prepared, ID: id, At: m.At(), Size: m.Size()}
	elsewhere := commit
	elsewhere.At++
	for name, e := range map[string]record.Entry{
		"another transaction": &record.Txn{ID: id + 1},
		"a recall":            &record.Timer{DeliverAt: model.Prepared, ID: id},
		"another place":       &elsewhere,
	} {
		before := s.Hash()
		if err := s.Apply(e, 3000); err == nil || s.Hash() != before {
			t.Errorf("%s: %v, and the state has changed: %v", name, err, s.Hash() != before)
		}
	}
	if err := s.Apply(&commit, 3000); err != nil {
		t.Fatal(err)
	}
	for _, e := range []record.Entry{&commit, &record.Txn{ID: id}, &record.Txn{Op: record.TxnCheck, ID: id}} {
		if err := s.Apply(e, 4000); err == nil {
			t.Errorf("%T of a transaction that has ended is taken", e)
		}
	}
}
