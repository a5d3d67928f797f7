package harness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Kafka is an Apache Kafka cluster on this machine: every node is broker and controller.
type Kafka struct {
	Nodes []*KafkaNode
	lib   string
	dir   string
}

// KafkaNode is one of its processes. Its data outlives it.
type KafkaNode struct {
	Addr string // of the broker role

	kafka      *Kafka
	id         int
	controller string
	cmd        *exec.Cmd
	exited     chan struct{}
}

// kafkaReady is how long a cluster may take to answer.
const kafkaReady = 90 * time.Second

// StartKafka starts a cluster with its data in dir. The jars are those that make kafka has fetched, or in GANTRY_KAFKA_LIB.
func StartKafka(ctx context.Context, dir string, nodes int) (*Kafka, error) {
	lib := os.Getenv("GANTRY_KAFKA_LIB")
	if lib == "" {
		found, _ := filepath.Glob(filepath.Join(ModuleDir(), "kafka", "target", "*"))
		if len(found) == 0 {
			return nil, errors.New("no Apache Kafka: make kafka, or set GANTRY_KAFKA_LIB")
		}
		lib = found[len(found)-1]
	}
	ports, err := freePorts(2 * nodes)
	if err != nil {
		return nil, err
	}
	k := &Kafka{lib: lib, dir: dir}
	for i := range nodes {
		k.Nodes = append(k.Nodes, &KafkaNode{kafka: k, id: i + 1, Addr: loopback(ports[2*i]), controller: loopback(ports[2*i+1])})
	}
	if err := k.format(ctx); err != nil {
		return nil, err
	}
	for _, n := range k.Nodes {
		if err := n.Start(); err != nil {
			return nil, err
		}
	}
	return k, k.await(ctx)
}

// Brokers returns the addresses to begin with.
func (k *Kafka) Brokers() string {
	var all []string
	for _, n := range k.Nodes {
		all = append(all, n.Addr)
	}
	return strings.Join(all, ",")
}

// Env returns the environment of a server that keeps its log here, in a topic of that name.
func (k *Kafka) Env(topic string) []string {
	return []string{
		"GANTRY_WAL_ENGINE=kafka", "GANTRY_WAL_BROKERS=" + k.Brokers(), "GANTRY_WAL_TOPIC=" + topic,
		fmt.Sprint("GANTRY_WAL_REPLICATION=", len(k.Nodes)),
	}
}

// Stop ends all nodes.
func (k *Kafka) Stop() {
	for _, n := range k.Nodes {
		n.Kill()
	}
}

// java returns a Kafka program.
func (k *Kafka) java(class string, args ...string) *exec.Cmd {
	return exec.Command("java", append([]string{
		"-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xms96m", "-Xmx384m", "-cp", filepath.Join(k.lib, "*"), class,
	}, args...)...)
}

// format prepares the nodes' folders: with a static quorum of all of them.
func (k *Kafka) format(ctx context.Context) error {
	id, err := k.java("kafka.tools.StorageTool", "random-uuid").Output()
	if err != nil {
		return fmt.Errorf("random-uuid: %w", err)
	}
	lines := strings.Fields(string(id))
	cluster := lines[len(lines)-1]
	var voters []string
	for _, n := range k.Nodes {
		voters = append(voters, fmt.Sprintf("%d@%s", n.id, n.controller))
	}
	for _, n := range k.Nodes {
		if err := os.WriteFile(n.config(), []byte(n.properties(strings.Join(voters, ","))), 0o644); err != nil {
			return err
		}
		format := k.java("kafka.tools.StorageTool", "format", "-t", cluster, "-c", n.config())
		if out, err := format.CombinedOutput(); err != nil {
			return fmt.Errorf("format node %d: %w\n%s", n.id, err, out)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

func (n *KafkaNode) config() string {
	return filepath.Join(n.kafka.dir, fmt.Sprintf("kafka-%d.properties", n.id))
}

func (n *KafkaNode) properties(voters string) string {
	nodes := len(n.kafka.Nodes)
	inSync := min(2, nodes)
	return strings.Join([]string{
		"process.roles=broker,controller",
		fmt.Sprint("node.id=", n.id),
		"listeners=PLAINTEXT://" + n.Addr + ",CONTROLLER://" + n.controller,
		"advertised.listeners=PLAINTEXT://" + n.Addr,
		"controller.listener.names=CONTROLLER",
		"listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
		"inter.broker.listener.name=PLAINTEXT",
		"controller.quorum.voters=" + voters,
		"log.dirs=" + filepath.Join(n.kafka.dir, fmt.Sprintf("kafka-%d", n.id)),
		fmt.Sprint("default.replication.factor=", nodes),
		fmt.Sprint("offsets.topic.replication.factor=", nodes),
		fmt.Sprint("transaction.state.log.replication.factor=", nodes),
		fmt.Sprint("transaction.state.log.min.isr=", inSync),
		"broker.session.timeout.ms=3000",
		"broker.heartbeat.interval.ms=500",
		"replica.lag.time.max.ms=5000",
		"log.cleaner.dedupe.buffer.size=16777216",
		"num.network.threads=2",
		"num.io.threads=2",
		"auto.create.topics.enable=false",
		"",
	}, "\n")
}

// Start starts the process without waiting for it.
func (n *KafkaNode) Start() error {
	out, err := os.OpenFile(filepath.Join(n.kafka.dir, fmt.Sprintf("kafka-%d.log", n.id)), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	n.cmd = n.kafka.java("kafka.Kafka", n.config())
	n.cmd.Stdout, n.cmd.Stderr = out, out
	if err := n.cmd.Start(); err != nil {
		return err
	}
	cmd, exited := n.cmd, make(chan struct{})
	n.exited = exited
	go func() { cmd.Wait(); close(exited) }()
	return nil
}

// Kill ends it as a crash would, and waits for its end.
func (n *KafkaNode) Kill() {
	if n.cmd != nil {
		n.cmd.Process.Kill()
		<-n.exited
	}
}

// await returns when every node takes connections.
func (k *Kafka) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, kafkaReady)
	defer cancel()
	for _, n := range k.Nodes {
		if err := n.Await(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Await returns when the node takes connections.
func (n *KafkaNode) Await(ctx context.Context) error {
	retry := time.NewTicker(50 * time.Millisecond)
	defer retry.Stop()
	for {
		if conn, err := net.Dial("tcp", n.Addr); err == nil {
			return conn.Close()
		}
		select {
		case <-retry.C:
		case <-n.exited:
			return fmt.Errorf("Kafka's node %d ended: see %s", n.id, n.kafka.dir)
		case <-ctx.Done():
			return fmt.Errorf("Kafka's node %d does not answer: %w", n.id, ctx.Err())
		}
	}
}

// Signal stops the server where it stands (SIGSTOP), or has it go on (SIGCONT).
func (s *Server) Signal(sig syscall.Signal) error { return s.cmd.Process.Signal(sig) }

// Data returns the data folder.
func (s *Server) Data() string { return s.data }
