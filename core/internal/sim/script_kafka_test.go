package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/kafka"
	"github.com/gantrymq/gantry/core/wal/vfs"
)

// onDisk tells a script in which a disk of our own is slow or loses what it had not
// synced. Those in kafka/ have what a log on Kafka does then.
func onDisk(t *testing.T, name, file string) bool {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return !strings.HasPrefix(name, "kafka/") && regexp.MustCompile(`(?m)^(disk |power-cut)`).Match(text)
}

// kafkaBox is a machine whose log is on a Kafka cluster in memory. Time is virtual
// for the server alone: the box waits until Kafka has done what it was asked for.
type kafkaBox struct {
	t       *testing.T
	net     kfake.VirtualNetwork
	kafka   *kfake.Cluster
	disk    *vfs.Mem
	conns   *connections
	log     *countedLog
	changed chan struct{}
	held    *kfake.FaultHandle
	broken  bool
}

func newKafkaBox(t *testing.T) *kafkaBox {
	b := &kafkaBox{t: t, disk: vfs.NewMem(), changed: make(chan struct{}, 1)}
	var err error
	b.kafka, err = kfake.NewCluster(kfake.Ports(9092, 9093, 9094), kfake.ListenFn(b.net.Listen))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.kill()
		b.kafka.Close()
	})
	return b
}

func (b *kafkaBox) open() wal.WAL {
	b.conns = &connections{}
	conns := b.conns
	return countedWAL{b, kafka.New(b.t.Context(), kafka.Options{
		Brokers: b.kafka.ListenAddrs(), Dir: "data", FS: b.disk,
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := b.net.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return conn, conns.add(conn)
		},
	})}
}

// sync waits until all that was appended is acknowledged, or the log has failed.
func (b *kafkaBox) sync() {
	if b.held != nil && !b.broken || b.log == nil {
		return
	}
	timeout := time.After(20 * time.Second)
	for {
		written, _, err := b.log.Progress()
		if err != nil || written == b.log.end {
			return
		}
		select {
		case <-b.changed:
		case <-timeout:
			b.t.Fatalf("Kafka has acknowledged up to %d of %d", written, b.log.end)
		}
	}
}

// hold has brokers find too few replicas.
func (b *kafkaBox) hold(held bool) {
	if b.held != nil {
		b.held.Remove()
		b.held = nil
	}
	if held {
		b.held = b.fault(kerr.NotEnoughReplicas)
	}
}

// fail has brokers refuse what is written.
func (b *kafkaBox) fail(error) {
	b.hold(false)
	b.broken = true
	b.held = b.fault(kerr.TopicAuthorizationFailed)
	b.sync() // until the log has noticed
}

func (b *kafkaBox) fault(err *kerr.Error) *kfake.FaultHandle {
	return b.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "gantry-wal", Err: err, Count: -1})
}

func (b *kafkaBox) kill() {
	b.hold(false)
	b.broken = false
	if b.log != nil {
		b.conns.kill()
		_ = b.log.Close(false) // for its goroutines
		b.log = nil
	}
	b.disk = b.disk.ProcessCrash()
}

// cut takes the machine with its disk.
func (b *kafkaBox) cut() {
	b.kill()
	b.disk = vfs.NewMem()
}

// countedWAL remembers the log, and how much was appended to it.
type countedWAL struct {
	box *kafkaBox
	wal.WAL
}

func (w countedWAL) Open(shard wal.ShardID, notify func()) (wal.Log, error) {
	log, err := w.WAL.Open(shard, func() {
		notify()
		select {
		case w.box.changed <- struct{}{}:
		default:
		}
	})
	if err != nil {
		return nil, err
	}
	w.box.log = &countedLog{Log: log}
	return w.box.log, nil
}

type countedLog struct {
	wal.Log
	end wal.LSN
}

func (l *countedLog) Recover(from wal.LSN, fn func(wal.Frame) error) (wal.Recovery, error) {
	got, err := l.Log.Recover(from, fn)
	l.end = got.End
	return got, err
}

func (l *countedLog) Append(lsn wal.LSN, frame []byte) error {
	l.end = lsn + wal.LSN(len(frame))
	return l.Log.Append(lsn, frame)
}

// connections are those of one process.
type connections struct {
	mu   sync.Mutex
	all  []io.Closer
	dead bool
}

func (c *connections) add(conn io.Closer) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return errors.Join(fmt.Errorf("the process is dead"), conn.Close())
	}
	c.all = append(c.all, conn)
	return nil
}

func (c *connections) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead = true
	for _, conn := range c.all {
		conn.Close()
	}
}
