package server

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantrymq/gantry/core/wal/vfs"
	"github.com/gantrymq/gantry/remoting/client"
	"github.com/gantrymq/gantry/remoting/wire"
)

// serveRocketMQ runs a whole server, with the usual listeners, on a disk.
func serveRocketMQ(t *testing.T, disk vfs.FS, flags map[string]string) *process {
	t.Helper()
	p := newProcess(t, disk)
	flags["data"] = "/data"
	flags["remoting.addr"], flags["remoting.namesrv_addr"], flags["grpc.addr"] = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	p.run(flags, Options{})
	return p
}

// rocketmq is a client of a server under test.
type rocketmq struct {
	t    *testing.T
	conn *client.Conn
}

func (p *process) connect() *rocketmq {
	p.t.Helper()
	p.ready()
	conn, err := client.Dial(p.t.Context(), p.addr("remoting"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { conn.Close() })
	return &rocketmq{p.t, conn}
}

func (c *rocketmq) call(cmd *wire.Command) *wire.Command {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 10*time.Second)
	defer cancel()
	answer, err := c.conn.Call(ctx, cmd)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer
}

// must is call for what has to succeed.
func (c *rocketmq) must(code wire.RequestCode, keysAndValues ...string) *wire.Command {
	c.t.Helper()
	answer := c.call(wire.NewRequest(code, keysAndValues...))
	if answer.Code != int32(wire.Success) {
		c.t.Fatalf("request %d was answered %d %q", code, answer.Code, answer.Remark)
	}
	return answer
}

func sendRequest(topic string, body []byte) *wire.Command {
	cmd := wire.NewRequest(wire.SendMessage,
		"producerGroup", "p", "topic", topic, "defaultTopic", "TBW102", "defaultTopicQueueNums", "1", "queueId", "0",
		"sysFlag", "0", "bornTimestamp", "1", "flag", "0", "properties", "", "reconsumeTimes", "0")
	cmd.Body = body
	return cmd
}

// commit moves a group's offset in queue 0 of a topic, and reads it back.
func (c *rocketmq) commit(topic string, offset int) {
	c.t.Helper()
	queue := []string{"consumerGroup", "g", "topic", topic, "queueId", "0"}
	c.must(wire.UpdateConsumerOffset, append(queue, "commitOffset", strconv.Itoa(offset))...)
	if got := c.must(wire.QueryConsumerOffset, queue...).Ext.Text("offset"); got != strconv.Itoa(offset) {
		c.t.Fatalf("committed %d, read %s", offset, got)
	}
}

func (c *rocketmq) offset(code wire.RequestCode, topic string) int {
	c.t.Helper()
	n, err := strconv.Atoi(c.must(code, "topic", topic, "queueId", "0").Ext.Text("offset"))
	if err != nil {
		c.t.Fatal(err)
	}
	return n
}

// fill sends until it is refused, and returns the answer and how many went before.
func (c *rocketmq) fill(topic string) (refused *wire.Command, sent int) {
	c.t.Helper()
	for body := make([]byte, 16<<10); sent < 10_000; sent++ {
		answer := c.call(sendRequest(topic, body))
		if answer.Code != int32(wire.Success) {
			return answer, sent
		}
	}
	c.t.Fatal("the disk does not fill")
	return nil, 0
}

// until waits for a state that background work brings about.
func until(t *testing.T, what string, reached func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !reached(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never came: ", what)
		}
	}
}

// metric reads one sample from the admin port.
func (p *process) metric(name string) float64 {
	p.t.Helper()
	_, body := get(p.t, "http://"+p.addr("ops")+"/metrics")
	m := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindStringSubmatch(body)
	if m == nil {
		p.t.Fatalf("there is no metric %s", name)
	}
	v, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		p.t.Fatal(err)
	}
	return v
}

const diskFull = "the server's disk is full: nothing was stored"

// wantFull fails unless an answer is that of a full disk, in the words of the documentation.
func wantFull(t *testing.T, answer *wire.Command) {
	t.Helper()
	if answer.Code != int32(wire.ServiceNotAvailable) || !strings.Contains(answer.Remark, diskFull) {
		t.Fatalf("answered %d %q, want 14 with %q", answer.Code, answer.Remark, diskFull)
	}
}

func TestFullDiskEndToEnd(t *testing.T) {
	t.Parallel()
	disk := vfs.NewMem()
	disk.Limit(vfs.Limits{Bytes: 6<<20 + 512<<10})
	p := serveRocketMQ(t, disk, map[string]string{"wal.snapshot_bytes": "1MiB"})
	c := p.connect()
	c.must(wire.UpdateAndCreateTopic, "topic", "spare", "readQueueNums", "1", "writeQueueNums", "1", "perm", "6")
	refused, sent := c.fill("t")
	wantFull(t, refused)
	if sent < 100 {
		t.Fatalf("only %d messages found room", sent)
	}

	// Sends alone are refused.
	c.commit("t", 1)
	c.commit("t", 50)
	wantFull(t, c.call(sendRequest("t", []byte("x"))))
	wantFull(t, c.call(sendRequest("made-by-send", []byte("x"))))
	pulled := c.must(wire.PullMessage, "consumerGroup", "g", "topic", "t", "queueId", "0", "queueOffset", strconv.Itoa(sent-1),
		"maxMsgNums", "1", "sysFlag", "0", "commitOffset", "0", "suspendTimeoutMillis", "0", "subVersion", "0")
	if len(pulled.Body) < 16<<10 {
		t.Errorf("the last message has %d bytes", len(pulled.Body))
	}
	c.must(wire.DeleteTopicInBroker, "topic", "spare")
	if p.metric("gantry_disk_full") != 1 || p.metric("gantry_disk_room_bytes") > 256<<10 {
		t.Errorf("metrics: full %v, room %v", p.metric("gantry_disk_full"), p.metric("gantry_disk_room_bytes"))
	}
	if status, body := get(t, "http://"+p.addr("ops")+"/readyz"); status != 200 {
		t.Errorf("/readyz: %d %s; consumers are served", status, body)
	}
	p.lines.wait(t, message("the disk is full: sends are refused until there is room again"))

	// Sends are taken again once there is room, without a restart.
	disk.Limit(vfs.Limits{Bytes: 16 << 20})
	until(t, "a send that finds room", func() bool { return c.call(sendRequest("t", []byte("x"))).Code == int32(wire.Success) })
	p.lines.wait(t, message("there is room on the disk again: sends are taken"))
	if p.metric("gantry_disk_full") != 0 {
		t.Error("gantry_disk_full is still 1")
	}
	if end := c.offset(wire.GetMaxOffset, "t"); end != sent+1 {
		t.Errorf("the queue ends at %d, want %d: refused sends took no offset", end, sent+1)
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
}

// TestDeletionMakesRoom proves that who has filled a disk can help himself
// without one more byte of it.
func TestDeletionMakesRoom(t *testing.T) {
	t.Parallel()
	disk := vfs.NewMem()
	disk.Limit(vfs.Limits{Bytes: 6<<20 + 512<<10})
	p := serveRocketMQ(t, disk, map[string]string{})
	c := p.connect()
	refused, _ := c.fill("t")
	wantFull(t, refused)
	c.must(wire.DeleteTopicInBroker, "topic", "t")
	until(t, "a send that finds room", func() bool {
		return c.call(sendRequest("other", []byte("x"))).Code == int32(wire.Success)
	})
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
}

func TestSickDiskEndToEnd(t *testing.T) {
	t.Parallel()
	for _, flush := range []string{"sync", "async"} {
		t.Run(flush, func(t *testing.T) {
			t.Parallel()
			sickDisk(t, flush)
		})
	}
}

func sickDisk(t *testing.T, flush string) {
	disk := vfs.NewMem()
	p := serveRocketMQ(t, disk, map[string]string{"wal.flush": flush})
	c := p.connect()
	for range 10 {
		if a := c.call(sendRequest("t", []byte("before"))); a.Code != int32(wire.Success) {
			t.Fatal(a.Code, a.Remark)
		}
	}
	p.broken.Store(true)
	var senders sync.WaitGroup
	for range 20 {
		senders.Go(func() {
			a, err := c.conn.Call(t.Context(), sendRequest("t", []byte("after")))
			if err != nil || a.Code != int32(wire.ServiceNotAvailable) || !strings.Contains(a.Remark, "the log has failed") {
				t.Errorf("a send on a broken disk: %v %+v", err, a)
			}
		})
	}
	senders.Wait()
	// The disk may heal: what has failed stays so until a restart.
	p.broken.Store(false)
	if a := c.call(sendRequest("t", []byte("healed"))); a.Code != int32(wire.ServiceNotAvailable) || !strings.Contains(a.Remark, "the log has failed; see the server's log") {
		t.Errorf("a send afterwards: %d %q", a.Code, a.Remark)
	}
	admin := "http://" + p.addr("ops")
	if status, body := get(t, admin+"/readyz"); status != 503 || !strings.Contains(body, "[-] shard: ") || !strings.Contains(body, "input/output error") {
		t.Errorf("/readyz: %d %q", status, body)
	}
	if status, _ := get(t, admin+"/livez"); status != 200 {
		t.Errorf("/livez: %d", status)
	}
	if p.metric("gantry_shard_failed") != 1 {
		t.Error("gantry_shard_failed is not 1")
	}
	if err := p.stop(); err == nil || !strings.Contains(err.Error(), "the shard has failed") {
		t.Errorf("stopped with %v", err)
	}

	p = serveRocketMQ(t, disk, map[string]string{})
	c = p.connect()
	if end := c.offset(wire.GetMaxOffset, "t"); end < 10 || end > 30 {
		t.Errorf("the queue ends at %d: 10 messages were acknowledged, 20 not", end)
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
}

// TestNoRoomAtTheStart: a disk that is full before the first frame, of bytes or of
// inodes, ends the start with a line, and with the next start all is well.
func TestNoRoomAtTheStart(t *testing.T) {
	t.Parallel()
	for name, limits := range map[string]vfs.Limits{
		"bytes": {Bytes: 64 << 10}, "inodes": {Inodes: 6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			disk := vfs.NewMem()
			disk.Limit(limits)
			err := serveRocketMQ(t, disk, map[string]string{}).end()
			if err == nil || !strings.HasPrefix(err.Error(), "cannot start: ") || !strings.HasSuffix(err.Error(), "no space left on device") {
				t.Fatalf("got %v", err)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("several lines: %v", err)
			}
			disk.Limit(vfs.Limits{})
			p := serveRocketMQ(t, disk, map[string]string{})
			c := p.connect()
			if a := c.call(sendRequest("t", []byte("x"))); a.Code != int32(wire.Success) {
				t.Errorf("%d %s", a.Code, a.Remark)
			}
			if err := p.stop(); err != nil {
				t.Fatal(err)
			}
		})
	}
}
