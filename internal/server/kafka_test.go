package server

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/wal/vfs"
)

func newKafkaCluster(t *testing.T) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(3))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// onKafka starts a server that keeps its log in a cluster, with one door.
func onKafka(t *testing.T, c *kfake.Cluster, flags map[string]string) *process {
	t.Helper()
	p := newProcess(t, vfs.OS())
	p.doors = append(p.doors, &door{name: "door", addr: "127.0.0.1:0", events: p.events, serveErr: make(chan error, 1), down: make(chan struct{})})
	all := map[string]string{"wal.engine": "kafka", "wal.brokers": strings.Join(c.ListenAddrs(), ",")}
	for k, v := range flags {
		all[k] = v
	}
	p.run(all, Options{listeners: p.listeners, wal: newWAL})
	return p
}

// send sends through a process's door.
func (p *process) send(body string) error {
	c := p.doors[0].engine.Connect(core.ClientInfo{Protocol: "test"})
	defer c.Close()
	results, err := c.SendWait(p.t.Context(), &core.Batch{Messages: []core.Message{{Topic: "t", Queue: 0, AutoCreate: 1, Body: []byte(body)}}})
	if err == nil {
		err = results[0].Err
	}
	return err
}

// queueEnd asks for the end of a topic's first queue.
func (p *process) queueEnd(name string) core.OffsetInfo {
	topic, ok := p.doors[0].engine.Topic(name)
	if !ok {
		p.t.Fatalf("topic %s is gone", name)
	}
	ends := make(chan core.OffsetInfo, 1)
	c := p.doors[0].engine.Connect(core.ClientInfo{Protocol: "test"})
	c.Offsets([]core.OffsetQuery{{Queue: core.Queue{Topic: topic.ID}, Kind: core.OffsetMax}}, func(infos []core.OffsetInfo, err error) {
		if err != nil {
			infos = []core.OffsetInfo{{Err: err}}
		}
		ends <- infos[0]
	})
	c.Submit()
	return <-ends
}

// TestKafkaLife: a server on Kafka serves, shows what its log counts, and another one
// with an empty folder has all that it had.
func TestKafkaLife(t *testing.T) {
	t.Parallel()
	c := newKafkaCluster(t)
	p := onKafka(t, c, nil)
	p.ready()
	for i := range 5 {
		if err := p.send(fmt.Sprint("message ", i)); err != nil {
			t.Fatal(err)
		}
	}
	admin := "http://" + p.addr("ops")
	if _, body := get(t, admin+"/metrics"); !strings.Contains(body, "\ngantry_kafka_epoch 1\n") || !strings.Contains(body, "\ngantry_kafka_frozen 0\n") {
		t.Errorf("/metrics: %s", body)
	}
	if status, body := get(t, admin+"/readyz?verbose"); status != 200 || !strings.Contains(body, "[+] log") {
		t.Errorf("/readyz: %d %q", status, body)
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	p = onKafka(t, c, nil)
	p.ready()
	if end := p.queueEnd("t"); end.Err != nil || end.Offset != 5 {
		t.Errorf("the queue ends at %+v, want 5", end)
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
}

// TestKafkaTakeOver: a second server ends the first one's acknowledgements, loudly.
func TestKafkaTakeOver(t *testing.T) {
	t.Parallel()
	c := newKafkaCluster(t)
	a := onKafka(t, c, nil)
	a.ready()
	if err := a.send("one"); err != nil {
		t.Fatal(err)
	}
	b := onKafka(t, c, nil)
	b.ready()
	if err := a.send("two"); core.CodeOf(err) != core.Unavailable {
		t.Errorf("a send to a server that was replaced: %v", err)
	}
	a.lines.wait(t, func(l line) bool {
		return l["level"] == "ERROR" && strings.Contains(fmt.Sprint(l["err"]), "this server no longer owns it")
	})
	if status, _ := get(t, "http://"+a.addr("ops")+"/readyz"); status != 503 {
		t.Errorf("/readyz of a server that was replaced: %d", status)
	}
	if err := b.send("three"); err != nil {
		t.Error(err)
	}
	if err := a.stop(); err == nil {
		t.Error("a server that was replaced ends without an error")
	}
	if err := b.stop(); err != nil {
		t.Error(err)
	}
}

// TestKafkaRefusals: what is wrong with the topic, or with reaching it, ends the
// start, and is named.
func TestKafkaRefusals(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		flags map[string]string
		fault *kfake.Fault
		says  string
	}{
		"settings":    {map[string]string{"wal.topic": "wrong"}, nil, "retention.ms is 1000 and must be -1"},
		"replication": {map[string]string{"wal.replication": "7"}, nil, "wal.replication"},
		"no topic":    {map[string]string{"wal.create": "false"}, nil, "does not exist"},
		"brokers":     {map[string]string{"wal.brokers": "127.0.0.1:1"}, nil, "no broker of [127.0.0.1:1] can be reached"},
		"forbidden":   {nil, &kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.TopicAuthorizationFailed, Count: -1}, "does not have the right"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newKafkaCluster(t)
			if err := c.CreateTopic("wrong", 1, map[string]string{"retention.ms": "1000"}); err != nil {
				t.Fatal(err)
			}
			if tt.fault != nil {
				c.Fault(*tt.fault)
			}
			p := onKafka(t, c, tt.flags)
			if err := p.endWithin(); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("ended with %v, want %q in it", err, tt.says)
			}
		})
	}
}

// endWithin waits for Run, longer than a start may try to reach Kafka.
func (p *process) endWithin() error {
	p.t.Helper()
	select {
	case err := <-p.ended:
		return err
	case <-p.t.Context().Done():
		return p.t.Context().Err()
	}
}

func TestKafkaKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg, err := Load(Sources{File: write(t, `
wal:
  engine: kafka
  brokers: [a:1, "b:2"]
  tls: {enabled: true, ca: `+dir+`/ca.pem}
  sasl:
    mechanism: scram-sha-512
    user: gantry
    password_file: `+dir+`/password
`)})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(cfg.WAL.Brokers, " "); got != "a:1 b:2" || !cfg.WAL.TLS.Enabled || cfg.WAL.SASL.User != "gantry" {
		t.Errorf("%+v", cfg.WAL)
	}
	start := func() error {
		_, err := newWAL(context.WithoutCancel(t.Context()), &cfg, slog.New(slog.DiscardHandler))
		return err
	}
	if err := start(); err == nil || !strings.Contains(err.Error(), "wal.tls.ca") {
		t.Errorf("without a file of authorities: %v", err)
	}
	cfg.WAL.TLS.CA = ""
	if err := start(); err == nil || !strings.Contains(err.Error(), "wal.sasl.password_file") {
		t.Errorf("without a password: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "password"), []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := start(); err != nil {
		t.Error(err)
	}
	for yaml, says := range map[string]string{
		"wal: {engine: kafka}":                                              "wal.brokers",
		"wal: {engine: kafka, brokers: [a]}":                                `"a" is no address`,
		"wal: {engine: kafka, brokers: [a:1], topic: a/b}":                  "wal.topic",
		"wal: {engine: kafka, brokers: [a:1], sasl: {mechanism: plain}}":    "wal.sasl.user",
		"wal: {engine: kafka, brokers: [a:1], tls: {cert: x}}":              "belong together",
		"wal: {engine: kafka, brokers: [a:1], sasl: {mechanism: kerberos}}": "kerberos",
		"wal: {engine: [kafka]}":                                            "expected one value",
		"wal: {engine: kafka, brokers: [a:1], replication: 0}":              "replication",
	} {
		if _, err := Load(Sources{File: write(t, yaml)}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", yaml, err, says)
		}
	}
}
