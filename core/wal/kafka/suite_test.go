package kafka_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/kafka"
	"github.com/gantrymq/gantry/core/wal/vfs"
	"github.com/gantrymq/gantry/core/wal/waltest"
)

func TestSuite(t *testing.T) {
	features := waltest.Features{Kill: true, Late: true, Endless: true, Remote: true}
	waltest.Run(t, features, func(t *testing.T) *waltest.Machine {
		c := newCluster(t, 3)
		here, elsewhere := c.machine(), c.machine()
		return &waltest.Machine{
			Start:     here.start,
			Kill:      here.kill,
			PowerCut:  func(uint64) { here.kill(); here.disk = vfs.NewMem() },
			Elsewhere: elsewhere.start,
		}
	})
}

// cluster is a Kafka cluster in memory.
type cluster struct {
	t     *testing.T
	net   kfake.VirtualNetwork
	kafka *kfake.Cluster
}

func newCluster(t *testing.T, brokers int, opts ...kfake.Opt) *cluster {
	t.Helper()
	c := &cluster{t: t}
	ports := make([]int, brokers)
	for i := range ports {
		ports[i] = 9092 + i
	}
	var err error
	c.kafka, err = kfake.NewCluster(append([]kfake.Opt{kfake.Ports(ports...), kfake.ListenFn(c.net.Listen)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.kafka.Close)
	return c
}

// machine is one on which processes run, one after the other.
type machine struct {
	cluster *cluster
	disk    *vfs.Mem
	change  func(*kafka.Options)
	process *process
}

func (c *cluster) machine() *machine { return &machine{cluster: c, disk: vfs.NewMem()} }

// process holds the connections that end with it.
type process struct {
	mu    sync.Mutex
	conns []net.Conn
	dead  bool
}

func (m *machine) start() wal.WAL {
	if m.process == nil || m.process.isDead() {
		m.process = &process{}
	}
	opt := m.options()
	if m.change != nil {
		m.change(&opt)
	}
	w := kafka.New(m.cluster.t.Context(), opt)
	m.cluster.t.Cleanup(func() { w.Close() })
	return w
}

func (m *machine) options() kafka.Options {
	p := m.process
	return kafka.Options{
		Brokers: m.cluster.kafka.ListenAddrs(), Topic: "wal", Cluster: "test", Node: "machine", Shards: 8,
		Dir: "data", FS: m.disk,
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := m.cluster.net.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return conn, p.take(conn)
		},
	}
}

func (m *machine) kill() {
	m.process.kill()
	m.disk = m.disk.ProcessCrash()
}

var errDead = errors.New("the process is dead")

func (p *process) take(conn net.Conn) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		conn.Close()
		return errDead
	}
	p.conns = append(p.conns, conn)
	return nil
}

func (p *process) isDead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead
}

func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = true
	for _, conn := range p.conns {
		conn.Close()
	}
}
