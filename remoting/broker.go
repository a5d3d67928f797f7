package remoting

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/remoting/wire"
)

// The broker and the name server as a whole
//
//	 26 GET_BROKER_CONFIG           what Apache's tools look for, as text
//	 25 UPDATE_BROKER_CONFIG        brokerIP1 (the advertised address) and brokerPermission
//	 28 GET_BROKER_RUNTIME_INFO     every key that the Dashboard and the exporter need
//	205 WIPE_WRITE_PERM_OF_BROKER   routes say that nothing can be sent; 327 takes that back
//	319 GET_NAMESRV_CONFIG, 318 UPDATE_NAMESRV_CONFIG
//	306, 316, 329                   there is nothing to clean by hand: done
//	907 GET_BROKER_HA_STATUS        a primary without replicas
//	311, 312, 313                   units do not exist: no topics
//
// Deviations: a setting that cannot be changed while the server runs is refused with
// 29, where upstream takes every key and changes nothing. What 25, 205 and 327 change
// holds until the server ends. Of 28, the parts of a store that this server does not
// have are 0.

// allowed takes from a topic's permission what the broker does not allow now.
func (s *Server) allowed(perm core.Perm) core.Perm {
	return perm &^ core.Perm(s.withheld.Load())
}

// routed is what routes say of a topic's permission.
func (s *Server) routed(perm core.Perm) core.Perm {
	if s.wiped.Load() {
		perm &^= core.PermWrite
	}
	return s.allowed(perm)
}

func (c *conn) brokerConfig(r request) {
	var text strings.Builder
	for _, s := range c.brokerSettings() {
		fmt.Fprintf(&text, "%s=%s\n", s.key, s.value)
	}
	r.answer(wire.Success, func(w *wire.Writer) {
		w.Text("version", string(wire.EncodeBody(wire.DataVersion{})))
	}, []byte(text.String()))
}

// brokerSetting is one line of the broker's settings.
type brokerSetting struct{ key, value string }

// brokerSettings are those of upstream that this server has something to say about.
func (c *conn) brokerSettings() []brokerSetting {
	config, addr := c.server.engine.Config(), c.broker().Addrs[masterID]
	host, port := addr, ""
	if i := strings.LastIndexByte(addr, ':'); i >= 0 {
		host, port = strings.Trim(addr[:i], "[]"), addr[i+1:]
	}
	flush := "ASYNC_FLUSH"
	if config.Flush == core.Synced {
		flush = "SYNC_FLUSH"
	}
	return []brokerSetting{
		{"brokerName", c.server.shard.BrokerName},
		{"brokerClusterName", c.server.engine.Cluster()},
		{"brokerId", masterID},
		{"brokerRole", "ASYNC_MASTER"},
		{"brokerIP1", host},
		{"listenPort", port},
		{"brokerPermission", strconv.Itoa(int(c.server.allowed(core.PermRead | core.PermWrite)))},
		{"autoCreateTopicEnable", strconv.FormatBool(!config.NoAutoTopics)},
		{"autoCreateSubscriptionGroup", strconv.FormatBool(!config.NoAutoGroups)},
		{"defaultTopicQueueNums", strconv.Itoa(defaultTopicQueues)},
		{"traceTopicEnable", "true"},
		{"traceOn", "true"},
		{"enablePropertyFilter", "true"},
		{"filterServerNums", "0"},
		{"slaveReadEnable", "false"},
		{"useTLS", strconv.FormatBool(c.server.tls != nil)},
		{"msgTraceTopicName", "RMQ_SYS_TRACE_TOPIC"},
		{"regionId", region},
		{"flushDiskType", flush},
		{"fileReservedTime", strconv.FormatInt(int64(config.Retention.Age/time.Hour), 10)},
		{"maxMessageSize", strconv.Itoa(config.MaxMessageBytes)},
		{"mappedFileSizeCommitLog", strconv.FormatInt(config.SegmentBytes, 10)},
		{"messageDelayLevel", delayLevels()},
		{"storePathRootDir", c.server.cfg.DataDir},
	}
}

// delayLevels writes the delay levels as upstream configures them.
func delayLevels() string {
	var text []string
	for _, d := range core.DelayLevels() {
		switch {
		case d%time.Hour == 0:
			text = append(text, fmt.Sprintf("%dh", d/time.Hour))
		case d%time.Minute == 0:
			text = append(text, fmt.Sprintf("%dm", d/time.Minute))
		default:
			text = append(text, fmt.Sprintf("%ds", d/time.Second))
		}
	}
	return strings.Join(text, " ")
}

func (c *conn) updateBrokerConfig(r request) {
	for key, value := range propertyLines(string(c.cmd.Body)) {
		if err := c.changeSetting(key, value); err != nil {
			r.refuse(wire.InvalidParameter, err.Error())
			return
		}
	}
	r.answer(wire.Success, nil, nil)
}

// changeSetting changes one of the settings that can be changed at run time.
func (c *conn) changeSetting(key, value string) error {
	switch key {
	case "brokerIP1":
		if err := c.server.advertise.Set(value); err != nil {
			return fmt.Errorf("brokerIP1: %w", err)
		}
		return nil
	case "brokerPermission":
		perm, err := strconv.ParseUint(value, 10, 3)
		if err != nil {
			return fmt.Errorf("brokerPermission is %q, not a sum of 2 (write) and 4 (read)", value)
		}
		c.server.withheld.Store(int32(core.PermRead|core.PermWrite) &^ int32(perm))
		return nil
	}
	for _, s := range c.brokerSettings() {
		if s.key == key && s.value == value {
			return nil // as it is: tools send back what they got
		}
	}
	return fmt.Errorf("%s cannot be changed while the server runs; brokerIP1 and brokerPermission can", key)
}

// propertyLines reads lines of key=value.
func propertyLines(text string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if key, value, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			all[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	return all
}

func (c *conn) nameServerConfig(r request) {
	text := fmt.Sprintf("listenPort=%d\nproductEnvName=center\norderMessageEnable=true\n", c.server.nameAddr.Port())
	r.answer(wire.Success, nil, []byte(text))
}

func (c *conn) updateNameServerConfig(r request) {
	for key := range propertyLines(string(c.cmd.Body)) {
		r.refuse(wire.InvalidParameter, key+" cannot be changed: the name server has no settings of its own")
		return
	}
	r.answer(wire.Success, nil, nil)
}

func (c *conn) wipeWrite(r request) { c.setWrite(r, "wipeTopicCount", true) }
func (c *conn) addWrite(r request)  { c.setWrite(r, "addTopicCount", false) }

// setWrite takes the permission to send out of all routes, or puts it back.
func (c *conn) setWrite(r request, counted string, wiped bool) {
	a := wire.NewArgs(c.cmd.Ext)
	name := a.Text("brokerName")
	if err := a.Err(); err != nil {
		r.fail(err)
		return
	}
	count := 0
	if name == c.server.shard.BrokerName {
		count = len(c.server.engine.Topics())
		c.server.wiped.Store(wiped)
	}
	r.answer(wire.Success, func(w *wire.Writer) { w.Int(counted, int64(count)) }, nil)
}

// nothingToDo answers what asks for work that does itself.
func (c *conn) nothingToDo(r request) { r.answer(wire.Success, nil, nil) }

func (c *conn) haStatus(r request) {
	r.answer(wire.Success, nil, wire.EncodeBody(wire.HAStatus{
		Master: true, MaxOffset: int64(c.server.engine.Stats().Written), Connections: []struct{}{},
		Client: map[string]any{},
	}))
}

func (c *conn) noTopics(r request) { r.topics([]string{}, "") }
