package remoting

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/remoting/wire"
)

// versionDescribed is the release whose broker this server stands in for.
const versionDescribed = "V5_3_3"

func (c *conn) runtimeInfo(r request) {
	r.answer(wire.Success, nil, wire.EncodeBody(wire.KVTable{Table: c.server.runtimeTable()}))
}

// runtimeTable has every key that the exporter of 4.9 and the Dashboard read: one
// that is missing, and they show nothing at all.
func (s *Server) runtimeTable() map[string]string {
	now, stats := time.Now(), s.engine.Stats()
	s.traffic.rates.take(stats, now.UnixMilli())
	put, got := s.speeds()
	today, yesterday := s.traffic.rates.mornings()
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	table := map[string]string{
		"brokerActive":                    "true",
		"brokerVersion":                   strconv.Itoa(wire.VersionSpoken),
		"brokerVersionDesc":               versionDescribed,
		"bootTimestamp":                   number(s.started.UnixMilli()),
		"startAcceptSendRequestTimeStamp": number(s.started.UnixMilli()),
		"runtime":                         uptime(now.Sub(s.started)),
		"msgPutTotalTodayNow":             number(stats.Sent),
		"msgPutTotalTodayMorning":         number(today.sent),
		"msgPutTotalYesterdayMorning":     number(yesterday.sent),
		"msgGetTotalTodayNow":             number(stats.Delivered),
		"msgGetTotalTodayMorning":         number(today.delivered),
		"msgGetTotalYesterdayMorning":     number(yesterday.delivered),
		"putTps":                          put,
		"getFoundTps":                     got,
		"getTotalTps":                     got,
		"getTransferredTps":               got,
		"getTransferedTps":                got, // as 4.9 spells it
		"getMissTps":                      "0.0 0.0 0.0",
		"putMessageTimesTotal":            number(stats.Sent),
		"putMessageFailedTimes":           number(stats.Refused),
		"putMessageSizeTotal":             number(stats.SentBytes),
		"putMessageAverageSize":           strconv.FormatFloat(float64(stats.SentBytes)/float64(max(stats.Sent, 1)), 'f', 1, 64),
		"commitLogMinOffset":              number(int64(stats.LogStart)),
		"commitLogMaxOffset":              number(int64(stats.Written)),
		"remainHowManyDataToFlush":        byteCount(int64(stats.Written - stats.Durable)),
		"dispatchBehindBytes":             "0",
		"earliestMessageTimeStamp":        "-1",
	}
	for _, key := range zeroFigures {
		table[key] = "0"
	}
	table["putMessageDistributeTime"] = putDistribution
	table["timerEnqueueTps"], table["timerDequeueTps"] = "0.0", "0.0"
	for _, pool := range []string{"send", "pull", "query", "litePull", "ack"} {
		table[pool+"ThreadPoolQueueSize"] = "0"
		table[pool+"ThreadPoolQueueHeadWaitTimeMills"] = "0"
		table[pool+"ThreadPoolQueueCapacity"] = "10000"
	}
	s.addDisk(table)
	return table
}

// zeroFigures are about parts of a store that this server does not have.
var zeroFigures = []string{
	"dispatchMaxBuffer", "pageCacheLockTimeMills", "getMessageEntireTimeMax", "putMessageEntireTimeMax",
	"remainTransientStoreBufferNumbs", "timerReadBehind", "timerOffsetBehind", "timerCongestNum",
	"EndTransactionQueueSize", "EndTransactionThreadPoolQueueCapacity", "putLatency99", "putLatency999",
	"commitLogDiskRatio", "consumeQueueDiskRatio",
}

// putDistribution is the form in which the exporter expects times of sends.
const putDistribution = "[<=0ms]:0 [0~10ms]:0 [10~50ms]:0 [50~100ms]:0 [100~200ms]:0 [200~500ms]:0 [500ms~1s]:0 [1~2s]:0 [2~3s]:0 [3~4s]:0 [4~5s]:0 [5~10s]:0 [10s~]:0 "

// speeds writes messages a second, stored and delivered, over 10 s, a minute and
// ten minutes: as far back as somebody has asked.
func (s *Server) speeds() (put, got string) {
	var puts, gots []string
	for _, ms := range []int64{10_000, 60_000, 600_000} {
		sent, delivered, span := s.traffic.rates.since(ms)
		puts, gots = append(puts, perSecond(sent, span)), append(gots, perSecond(delivered, span))
	}
	return strings.Join(puts, " "), strings.Join(gots, " ")
}

func perSecond(n int64, span time.Duration) string {
	if span <= 0 {
		return "0.0"
	}
	return strconv.FormatFloat(float64(n)/span.Seconds(), 'f', 1, 64)
}

func uptime(d time.Duration) string {
	s := int64(d / time.Second)
	return fmt.Sprintf("[ %d days, %d hours, %d minutes, %d seconds ]", s/86400, s/3600%24, s/60%60, s%60)
}

// byteCount writes a size as upstream does: 9.5 GiB.
func byteCount(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, exp := float64(n)/unit, 0
	for ; value >= unit; value /= unit {
		exp++
	}
	return fmt.Sprintf("%.1f %ciB", value, "KMGTPE"[exp])
}

// addDisk adds how full the disk of the data folder is.
func (s *Server) addDisk(table map[string]string) {
	table["commitLogDirCapacity"] = "Total : 0 B, Free : 0 B."
	if s.cfg.DataDir == "" {
		return
	}
	var fs unix.Statfs_t
	if unix.Statfs(s.cfg.DataDir, &fs) != nil || fs.Blocks == 0 {
		return
	}
	total, free := int64(fs.Blocks)*fs.Bsize, int64(fs.Bavail)*fs.Bsize
	ratio := strconv.FormatFloat(1-float64(free)/float64(total), 'f', 4, 64)
	table["commitLogDirCapacity"] = fmt.Sprintf("Total : %s, Free : %s.", byteCount(total), byteCount(free))
	table["commitLogDiskRatio"], table["consumeQueueDiskRatio"] = ratio, ratio
}

func (c *conn) brokerStats(r request) {
	args := wire.NewArgs(c.cmd.Ext)
	name, key := args.Text("statsName"), args.Text("statsKey")
	if err := args.Err(); err != nil {
		r.fail(err)
		return
	}
	c.apart(r, func(a *asker) error {
		body, known, err := a.brokerStats(name, key)
		switch {
		case err != nil:
			return err
		case !known:
			r.refuse(wire.SystemError, fmt.Sprintf("The stats <%s> <%s> not exist", name, key))
		default:
			r.answer(wire.Success, nil, wire.EncodeBody(body))
		}
		return nil
	})
}

// brokerStats answers for one of upstream's counters: core's figures for topics,
// the listener's for what groups got, zeros for what nobody counts.
func (a *asker) brokerStats(name, key string) (body wire.BrokerStats, known bool, err error) {
	count := func(int) (int64, error) { return 0, nil }
	topic, group, _ := strings.Cut(key, "@")
	switch name {
	case "TOPIC_PUT_NUMS":
		count = func(span int) (int64, error) { return a.stored(key, span) }
	case "GROUP_GET_NUMS":
		count = func(span int) (int64, error) {
			n, _ := a.server.traffic.of(group, topic, span)
			return n, nil
		}
	case "GROUP_GET_SIZE":
		count = func(span int) (int64, error) {
			_, n := a.server.traffic.of(group, topic, span)
			return n, nil
		}
	case "BROKER_PUT_NUMS", "BROKER_GET_NUMS":
		a.server.traffic.rates.take(a.server.engine.Stats(), time.Now().UnixMilli())
		count = func(span int) (int64, error) {
			sent, delivered, _ := a.server.traffic.rates.since(spans[span].step * spans[span].steps)
			if name == "BROKER_GET_NUMS" {
				return delivered, nil
			}
			return sent, nil
		}
	case "TOPIC_PUT_SIZE", "GROUP_GET_LATENCY", "SNDBCK_PUT_NUMS", "DLQ_PUT_NUMS", "GROUP_GET_FALL_SIZE", "GROUP_GET_FALL_TIME":
	default:
		return body, false, nil
	}
	for span, item := range []*wire.StatsItem{lastMinute: &body.Minute, lastHour: &body.Hour, lastDay: &body.Day} {
		if item.Sum, err = count(span); err != nil {
			return body, true, err
		}
		item.TPS = float64(item.Sum) / (float64(spans[span].step*spans[span].steps) / 1000)
	}
	return body, true, nil
}

// stored returns how many messages of a topic were stored in a span that ends now,
// of those that are still kept.
func (a *asker) stored(topic string, span int) (int64, error) {
	t, ok := a.server.engine.Topic(topic)
	if !ok {
		return 0, nil
	}
	since := time.Now().UnixMilli() - spans[span].step*spans[span].steps
	var queries []core.OffsetQuery
	for _, q := range a.queueIDs(t) {
		queries = append(queries, core.OffsetQuery{Queue: q, Kind: core.OffsetMax},
			core.OffsetQuery{Queue: q, Kind: core.OffsetByTime, Time: since})
	}
	infos, err := a.offsets(queries)
	if err != nil {
		return 0, err
	}
	total := int64(0)
	for i := 0; i < len(infos); i += 2 {
		if infos[i].Err == nil {
			total += int64(infos[i].Offset - infos[i+1].Offset)
		}
	}
	return total, nil
}
