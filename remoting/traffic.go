package remoting

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gantrymq/gantry/core"
)

// traffic is what the listener counts for statistics that tools ask for: messages
// that groups got from topics. Nothing runs for it while nobody sends or asks.
type traffic struct {
	pairs sync.Map // pair -> *volume
	count atomic.Int64
	rates rates
}

// pair is a group that reads a topic.
type pair struct{ group, topic string }

// maxPairs bounds the pairs that are counted: those that come later are not.
const maxPairs = 10_000

// volumeOf returns what counts a pair, nil if nothing does. Connections remember it.
func (t *traffic) volumeOf(key pair) *volume {
	found, ok := t.pairs.Load(key)
	if !ok {
		if t.count.Load() >= maxPairs {
			return nil
		}
		var loaded bool
		if found, loaded = t.pairs.LoadOrStore(key, newVolume()); !loaded {
			t.count.Add(1)
		}
	}
	return found.(*volume)
}

// volume returns what counts the messages that a group gets from a topic.
func (c *conn) volume(group, topic string) *volume {
	key := pair{group, topic}
	v, known := c.volumes[key]
	if !known {
		if c.volumes == nil || len(c.volumes) >= maxNames {
			c.volumes = map[pair]*volume{}
		}
		v = c.server.traffic.volumeOf(key)
		c.volumes[key] = v
	}
	return v
}

// of returns what a group got from a topic in a span that ends now.
func (t *traffic) of(group, topic string, span int) (messages, bytes int64) {
	found, ok := t.pairs.Load(pair{group, topic})
	if !ok {
		return 0, 0
	}
	return found.(*volume).sum(time.Now().UnixMilli(), span)
}

// tps returns how many messages a second a group got in the last minute from
// topics; from all, if there are none.
func (t *traffic) tps(group string, topics []string) float64 {
	total := int64(0)
	t.pairs.Range(func(key, _ any) bool {
		p := key.(pair)
		if p.group == group && (len(topics) == 0 || slices.Contains(topics, p.topic)) {
			n, _ := t.of(p.group, p.topic, lastMinute)
			total += n
		}
		return true
	})
	return float64(total) / 60
}

// The spans that a volume keeps, and of how many steps of how many ms they are.
const (
	lastMinute = iota
	lastHour
	lastDay
)

var spans = [...]struct{ step, steps int64 }{
	lastMinute: {10_000, 6},
	lastHour:   {60_000, 60},
	lastDay:    {3_600_000, 24},
}

// volume counts messages and bytes over spans of time.
type volume struct {
	mu    sync.Mutex // guards rings
	rings [len(spans)]ring
}

// ring holds the counts of the newest steps of a span; the step that goes on is one more.
type ring struct {
	newest int64 // number of the newest step
	counts []struct{ messages, bytes int64 }
}

func newVolume() *volume {
	t := &volume{}
	for i := range t.rings {
		t.rings[i].counts = make([]struct{ messages, bytes int64 }, spans[i].steps)
	}
	return t
}

func (t *volume) add(now, messages, bytes int64) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.rings {
		r := &t.rings[i]
		at := r.advance(now / spans[i].step)
		r.counts[at].messages += messages
		r.counts[at].bytes += bytes
	}
}

func (t *volume) sum(now int64, span int) (messages, bytes int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := &t.rings[span]
	r.advance(now / spans[span].step)
	for _, c := range r.counts {
		messages += c.messages
		bytes += c.bytes
	}
	return messages, bytes
}

// advance forgets the steps that are over, and returns the place of the given one.
func (r *ring) advance(step int64) int {
	n := int64(len(r.counts))
	for i := max(r.newest+1, step-n+1); i <= step; i++ {
		r.counts[i%n] = struct{ messages, bytes int64 }{}
	}
	r.newest = max(r.newest, step)
	return int(r.newest % n)
}

// rates are how fast the whole server stores and delivers. They are taken from
// core's counters whenever somebody asks.
type rates struct {
	mu      sync.Mutex // guards what follows
	samples []sample   // the first is the start of the server
	today   int64      // day of the newest sample
	morning [2]sample  // the newest sample of the day before, and of the one before that
}

// sample is core's counters at one moment, ms since 1970.
type sample struct{ at, sent, delivered int64 }

const (
	// sampleEvery is how near, in ms, two samples lie that are kept.
	sampleEvery = 5_000
	// maxSamples is enough for a day of questions a minute.
	maxSamples = 1500
	dayMillis  = 24 * 3600 * 1000
)

// take adds a sample.
func (r *rates) take(stats core.Stats, now int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := sample{at: now, sent: stats.Sent, delivered: stats.Delivered}
	if day := now / dayMillis; day != r.today {
		if n := len(r.samples); n > 0 {
			r.morning[1], r.morning[0] = r.morning[0], r.samples[n-1]
		}
		r.today = day
	}
	if n := len(r.samples); n > 1 && now-r.samples[n-2].at < sampleEvery {
		r.samples[n-1] = s
		return
	}
	if len(r.samples) == maxSamples {
		r.samples = append(r.samples[:1], r.samples[2:]...)
	}
	r.samples = append(r.samples, s)
}

// since returns what was stored and delivered in the last ms, and how long the
// span is for which that is known.
func (r *rates) since(ms int64) (sent, delivered int64, span time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.samples)
	if n < 2 {
		return 0, 0, 0
	}
	last, from := r.samples[n-1], r.samples[0]
	for _, s := range r.samples[:n-1] {
		if s.at <= last.at-ms {
			from = s
		}
	}
	return last.sent - from.sent, last.delivered - from.delivered, time.Duration(last.at-from.at) * time.Millisecond
}

// mornings returns the counters as they were when today and yesterday began, as
// far as somebody asked then.
func (r *rates) mornings() (today, yesterday sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.morning[0], r.morning[1]
}
