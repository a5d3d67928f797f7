package sim

import (
	"bytes"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/gantrymq/gantry/core/filter"
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/shard"
	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/kafka"
	"github.com/gantrymq/gantry/core/wal/mem"
	"github.com/gantrymq/gantry/core/wal/vfs"
)

// kafkaWorld is a run of several machines that all think at times that they own the
// one shard, whose log is in a topic that is played.
type kafkaWorld struct {
	rng    *rand.Rand
	now    int64
	ticket uint64
	events events
	topic  *topicModel
	parts  wal.Parts
	nodes  []*kafkaNode
	ledger kafkaLedger

	faulty bool
	flaky  int        // one fetch in so many fails; 0: none
	lossy  bool       // Kafka may lose what it has acknowledged
	lost   *kafkaNode // the owner when it did
	alarm  error      // who noticed, and what
	calm   bool
	trace  func(format string, args ...any)
}

// mishap is what befalls a request.
type mishap uint8

const (
	faultNone mishap = iota
	faultLost
	faultLie
	faultTwice
	faultFails
	faultNoOffset
)

// fault draws one; mostly there is none.
func (w *kafkaWorld) fault() mishap {
	if w.calm || !w.faulty || w.rng.IntN(12) > 0 {
		return faultNone
	}
	return faultLost + mishap(w.rng.IntN(5))
}

func (w *kafkaWorld) chance(oneIn int) bool { return oneIn > 0 && w.rng.IntN(oneIn) == 0 }

func newKafkaWorld(seed uint64) *kafkaWorld {
	r := rand.New(rand.NewPCG(seed, 0x6b61666b61))
	w := &kafkaWorld{rng: r, faulty: r.IntN(5) > 0, lossy: r.IntN(3) == 0, trace: func(string, ...any) {}}
	w.flaky = pick(r, 0, 10, 50)
	w.topic = &topicModel{w: w}
	w.ledger = kafkaLedger{acked: map[place2]string{}, fate: map[string]fateOf{}, hashes: map[model.LSN]uint64{}}
	log, err := mem.New(mem.Options{}).Open(0, nil)
	if err != nil {
		panic(err)
	}
	w.parts = log.Parts()
	for i := range 2 + r.IntN(2) {
		w.nodes = append(w.nodes, &kafkaNode{w: w, num: i, disk: vfs.NewMem()})
	}
	return w
}

func (w *kafkaWorld) fail(inv, format string, args ...any) {
	panic(violation{inv, int(w.now), fmt.Sprintf(format, args...)})
}

func (w *kafkaWorld) after(ms int64, do func()) {
	w.ticket++
	heap.Push(&w.events, event{uint64(w.now + ms), w.rng.Uint64()<<24 | w.ticket&0xffffff, 0, do})
}

// advance lets time pass.
func (w *kafkaWorld) advance(ms int64) {
	until := w.now + ms
	for len(w.events) > 0 && w.events[0].at <= uint64(until) {
		e := heap.Pop(&w.events).(event)
		w.now = max(w.now, int64(e.at))
		e.do()
	}
	w.now = until
}

// kafkaNode is a machine and the process on it.
type kafkaNode struct {
	w      *kafkaWorld
	num    int
	life   int
	disk   *vfs.Mem
	shard  *shard.Shard
	log    *kafka.Log
	client *shard.Client
	paused bool
	wakes  bool // a step is going to be taken
}

// partOf is the topic as one node reaches it.
type partOf struct {
	*topicModel
	node *kafkaNode
}

// NewProducer implements kafka.Partition.
func (p partOf) NewProducer() (kafka.Producer, error) { return p.node.newSender(), nil }

// kafkaWAL remembers the log.
type kafkaWAL struct {
	wal.WAL
	node *kafkaNode
}

func (k kafkaWAL) Open(id wal.ShardID, notify func()) (wal.Log, error) {
	life := k.node.life
	log, err := k.WAL.Open(id, func() {
		notify()
		if k.node.life == life {
			k.node.wake()
		}
	})
	if err == nil {
		k.node.log = log.(*kafka.Log)
	}
	return log, err
}

// start begins a process. It may fail to get the log; then there is none.
func (n *kafkaNode) start(ctx context.Context) {
	w := n.w
	n.life++
	life := n.life
	opt := kafka.Options{
		Cluster: "sim", Node: fmt.Sprint("node ", n.num), Dir: "data", FS: n.disk, Manual: true,
		CloseTimeout: time.Millisecond,
		Random: func(b []byte) {
			for i := range b {
				b[i] = byte(w.rng.Uint32())
			}
		},
	}
	played := kafka.Played(ctx, opt, func(wal.ShardID) kafka.Partition { return partOf{w.topic, n} }, func(wal.ShardID) wal.Parts { return w.parts })
	cfg := shard.Config{
		SegmentBytes: 64 << 10, SnapshotBytes: 32 << 10, CacheBytes: 4 << 20, InboxBytes: 1 << 30,
		Retention: model.Retention{Age: 20 * time.Second}, SystemTopics: []model.TopicConfig{{Name: "TBW102", ReadQueues: 8, WriteQueues: 8, Perm: 7}},
	}
	env := shard.Env{
		Now:    func() shard.Instant { return shard.Instant{Wall: epoch + w.now, Mono: w.now} },
		Random: opt.Random,
		Apart: func(job func()) {
			w.after(w.rng.Int64N(3), func() {
				if n.life == life {
					job()
					n.wake()
				}
			})
		},
	}
	s, err := shard.Open(cfg, kafkaWAL{played, n}, env)
	if err != nil {
		w.noticed(n, err)
		n.log = nil
		return
	}
	n.shard, n.client = s, s.Connect(shard.ClientInfo{})
	n.checkHash(true)
	n.client.Admin(shard.PutTopic{Config: model.TopicConfig{Name: "t", ReadQueues: 2, WriteQueues: 2, Perm: model.PermRead | model.PermWrite}}, func(error) {})
	n.client.Submit()
	n.wake()
}

// noticed judges why a process got no log, or lost it.
func (w *kafkaWorld) noticed(n *kafkaNode, err error) {
	w.trace("%d ms: node %d: %v", w.now, n.num, err)
	if _, corrupt := errors.AsType[*wal.CorruptError](err); !corrupt {
		return
	}
	if w.lost == nil {
		w.fail("K6", "node %d calls the log damaged, and nothing was lost: %v", n.num, err)
	}
	sometimes("kafka.loss_noticed")
	w.alarm = err
}

// wake has the node take a step soon.
func (n *kafkaNode) wake() {
	if n.wakes {
		return
	}
	n.wakes = true
	life := n.life
	n.w.after(n.w.rng.Int64N(3), func() {
		n.wakes = false
		if n.life == life {
			n.step()
		}
	})
}

// step is the loop's and the keeper's.
func (n *kafkaNode) step() {
	w := n.w
	switch {
	case n.shard == nil:
		return
	case n.paused:
		w.after(20, n.wake)
		return
	}
	again := n.log.Step()
	n.shard.Step()
	if err := n.shard.Err(); err != nil {
		w.noticed(n, err)
		n.die()
		return
	}
	if again || n.shard.Poked() {
		n.wake()
	}
	if at, ok := n.shard.NextAlarm(); ok {
		w.after(max(at-w.now, 1), n.wake)
	}
	n.checkHash(false)
}

// checkHash: K2, whoever has folded the log up to an LSN has the same state.
func (n *kafkaNode) checkHash(recovered bool) {
	stats := n.log.Stats()
	written, _, err := n.log.Progress()
	if err != nil || stats.Pending > 0 || !recovered && n.w.rng.IntN(4) > 0 {
		return
	}
	if s := n.shard.Stats(); !recovered && s.Written != written {
		return
	}
	hash := n.shard.Hash()
	if want, known := n.w.ledger.hashes[written]; known && want != hash && !recovered {
		n.w.fail("K2", "node %d has another state at LSN %d than somebody before", n.num, written)
	}
	if !recovered {
		n.w.ledger.hashes[written] = hash
	}
}

// die ends the process. What it has sent may still arrive.
func (n *kafkaNode) die() {
	if n.shard == nil {
		return
	}
	_ = n.log.Close(false)
	n.shard.Forget()
	n.life++
	n.shard, n.log, n.client, n.paused, n.wakes = nil, nil, nil, false, false
	n.disk = n.disk.ProcessCrash()
}

// stop ends it in order, if it can.
func (n *kafkaNode) stop() {
	n.shard.Stop()
	for range 50 {
		if n.shard.Step() {
			sometimes("kafka.stopped")
			break
		}
		n.log.Step()
		n.w.advance(5)
		if n.shard == nil {
			return
		}
	}
	n.die()
}

// owner returns the node that appended the newest EPOCH, if it is alive.
func (w *kafkaWorld) owner() *kafkaNode {
	var best *kafkaNode
	var newest uint32
	for _, n := range w.nodes {
		if n.shard == nil {
			continue
		}
		if e := n.log.Stats().Epoch; e > newest {
			best, newest = n, e
		}
	}
	return best
}

// send sends a message whose body is its name.
func (n *kafkaNode) send() {
	w := n.w
	w.ledger.sent++
	id := fmt.Sprint("message ", w.ledger.sent, strings.Repeat(".", w.rng.IntN(2000)))
	w.ledger.fate[id] = fateUnknown
	queue := int32(w.rng.IntN(2))
	n.client.Send(&shard.Batch{Messages: []shard.Message{{Topic: "t", Queue: queue, Body: []byte(id)}}}, func(results []shard.SendResult, err error) {
		if err == nil {
			err = results[0].Err
		}
		if err == nil {
			w.trace("%d ms: node %d acks %.13s at %d %d", w.now, n.num, id, queue, results[0].Offset)
			w.ledger.ack(w, id, int32(queue), int64(results[0].Offset))
			return
		}
		if e, ok := errors.AsType[*model.Error](err); ok && e.Definite {
			w.ledger.fate[id] = fateRefused
		}
	})
	n.client.Submit()
	n.wake()
}

// pull reads a queue to its end.
func (n *kafkaNode) pull(queue int32) (all []received, first int64) {
	w := n.w
	every, _ := filter.Parse("TAG", "*")
	info, ok := n.shard.Topic("t")
	if !ok {
		return nil, 0
	}
	at := model.Offset(0)
	for {
		var got *shard.Records
		n.client.Pull(shard.Pull{Queue: model.Queue{Topic: info.ID, Num: queue}, Offset: at, MaxMessages: 100, MaxBytes: 1 << 20, Filter: every}, func(r *shard.Records, err error) {
			if err != nil {
				w.fail("K3", "an owner cannot read queue %d at %d: %v", queue, at, err)
			}
			got = r
		})
		n.client.Submit()
		for i := 0; got == nil; i++ {
			if i == 1000 {
				w.fail("K5", "a pull has no answer")
			}
			n.wake()
			w.advance(3)
			if n.shard == nil {
				return nil, -1
			}
		}
		switch got.Status {
		case shard.PullFound:
			messages, err := receive(bytes.Clone(got.Bytes()))
			if err != nil {
				w.fail("K3", "queue %d at %d: %v", queue, at, err)
			}
			all = append(all, messages...)
		case shard.PullOffsetMoved:
			first = int64(got.Min)
		}
		next, end := got.Next, got.Max
		if got.Status == shard.PullOffsetMoved {
			next = max(next, got.Min)
		}
		got.Release()
		if next >= end || next == at {
			return all, first
		}
		at = next
	}
}
