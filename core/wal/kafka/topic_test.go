package kafka_test

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gantrymq/gantry/core/wal/kafka"
	"github.com/gantrymq/gantry/core/wal/vfs"
)

// good are settings with which a topic made by somebody else is taken.
func good() map[string]string {
	return map[string]string{
		"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete", "max.message.bytes": "9000000", "min.insync.replicas": "2",
	}
}

// TestSettings: a topic that could lose what it acknowledges is refused, and each
// wrong setting is named.
func TestSettings(t *testing.T) {
	for _, tt := range []struct{ name, value, says string }{
		{"", "", ""},
		{"retention.ms", "604800000", "retention.ms is 604800000 and must be -1"},
		{"retention.bytes", "1000000", "retention.bytes is 1000000 and must be -1"},
		{"cleanup.policy", "compact", "cleanup.policy is compact and must be delete"},
		{"max.message.bytes", "1048588", "max.message.bytes is 1048588 and must be at least"},
		{"min.insync.replicas", "1", "min.insync.replicas is 1 and must be at least 2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, 3)
			settings := good()
			if tt.name != "" {
				settings[tt.name] = tt.value
			}
			if err := c.kafka.CreateTopic("wal", 8, settings); err != nil {
				t.Fatal(err)
			}
			refuses(t, c.machine(), tt.says)
		})
	}
}

// refuses checks that a start says what is wrong; "": that it is taken.
func refuses(t *testing.T, m *machine, says string) {
	t.Helper()
	o, err := tryOwn(t, m)
	switch {
	case says == "" && err != nil:
		t.Errorf("refused: %v", err)
	case says == "":
		_ = o.log.Close(true)
	case err == nil:
		t.Errorf("taken, want %q", says)
	case !strings.Contains(err.Error(), says):
		t.Errorf("refused with %q, want %q", err, says)
	}
}

func TestBadTopics(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	m := c.machine()
	m.change = func(o *kafka.Options) { o.NoCreate = true }
	refuses(t, m, "topic wal does not exist")
	if err := c.kafka.CreateTopic("wal", 2, good()); err != nil {
		t.Fatal(err)
	}
	refuses(t, c.machine(), "topic wal has 2 partitions; this server needs 8")
	m = c.machine()
	m.change = func(o *kafka.Options) { o.Shards, o.Replication = 2, 5 }
	refuses(t, m, "has 3 replicas; wal.replication is 5")
}

// TestOtherClustersTopic: the topic of another cluster is refused, by the log and by
// the parts.
func TestOtherClustersTopic(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	o := own(t, c.machine())
	o.append("a")
	if err := o.log.Close(true); err != nil {
		t.Fatal(err)
	}
	m := c.machine()
	m.change = func(o *kafka.Options) { o.Cluster = "another" }
	refuses(t, m, `belongs to cluster "test"; this server's is "another"`)
	o = own(t, c.machine())
	if err := o.log.Parts().Put("snap-1", strings.NewReader("state")); err != nil {
		t.Fatal(err)
	}
	if err := o.log.Close(true); err != nil {
		t.Fatal(err)
	}
	m = c.machine()
	m.change = func(o *kafka.Options) { o.Cluster = "another" }
	refuses(t, m, `a part of another log: that of cluster "test"`)
	refuses(t, c.machine(), "")
}

// TestReplacedTopic: a topic that was deleted and made anew is refused where anything
// is left that knew the old one: the folder, or the parts.
func TestReplacedTopic(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	m := c.machine()
	o := own(t, m)
	o.append("a")
	if err := o.log.Parts().Put("snap-1", strings.NewReader("state")); err != nil {
		t.Fatal(err)
	}
	if err := o.log.Close(true); err != nil {
		t.Fatal(err)
	}
	if err := c.kafka.DeleteTopic("wal"); err != nil {
		t.Fatal(err)
	}
	refuses(t, m, "it was deleted and made anew")
	m.disk = vfs.NewMem()
	refuses(t, m, "a part of another log")
	m.change = func(o *kafka.Options) { o.AcceptTopic = true }
	refuses(t, m, "")
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	m := c.machine()
	m.change = func(o *kafka.Options) {
		o.Brokers, o.StartTimeout = []string{"127.0.0.1:1"}, 300*time.Millisecond
	}
	refuses(t, m, "no broker of [127.0.0.1:1] can be reached")
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, kfake.EnableSASL(), kfake.Superuser("PLAIN", "gantry", "right"), kfake.Superuser("SCRAM-SHA-256", "scram", "right"))
	for _, tt := range []struct {
		sasl kafka.SASL
		says string
	}{
		{kafka.SASL{Mechanism: "plain", User: "gantry", Password: "wrong"}, "wal.sasl"},
		{kafka.SASL{Mechanism: "scram-sha-256", User: "scram", Password: "wrong"}, "wal.sasl"},
		{kafka.SASL{Mechanism: "plain", User: "gantry", Password: "right"}, ""},
		{kafka.SASL{Mechanism: "scram-sha-256", User: "scram", Password: "right"}, ""},
	} {
		m := c.machine()
		m.change = func(o *kafka.Options) { o.SASL, o.StartTimeout = tt.sasl, 5*time.Second }
		refuses(t, m, tt.says)
	}
}

// TestForbidden: an operation that is not allowed is named at the start.
func TestForbidden(t *testing.T) {
	for _, tt := range []struct {
		key  kmsg.Key
		err  *kerr.Error
		says string
	}{
		{kmsg.CreateTopics, kerr.TopicAuthorizationFailed, "make topic wal"},
		{kmsg.DescribeConfigs, kerr.TopicAuthorizationFailed, "read the settings of topic wal"},
		{kmsg.Produce, kerr.TopicAuthorizationFailed, "take over shard 0"},
		{kmsg.Fetch, kerr.TopicAuthorizationFailed, "does not have the right"},
	} {
		t.Run(tt.key.Name(), func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, 3)
			c.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{tt.key}, Err: tt.err, Count: -1})
			refuses(t, c.machine(), tt.says)
		})
	}
}
