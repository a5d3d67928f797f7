package conformance

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gantrymq/gantry/conformance/harness"
)

// adminCase is one sub-command of mqadmin, and what must be in its output, as regular expressions. {T}, {G}, {ID} and so
// on stand for what the run has made.
type adminCase struct {
	args string
	want []string
	only string // the version that has it; empty: both
}

// adminCases are run in this order: the later ones see what the earlier ones did.
var adminCases = []adminCase{
	{"clusterList", []string{`DefaultCluster\s+gantry-0\s+0\s+{B}\s+V5_3_3`}, ""},
	{"updateTopic -c DefaultCluster -t {T} -r 4 -w 4", []string{`create topic to {B} success`, `topicName={T}`}, ""},
	{"updateTopicPerm -c DefaultCluster -t {T} -p 4", []string{`update topic perm from 6 to 4 in {B} success`}, ""},
	{"updateTopicPerm -c DefaultCluster -t {T} -p 6", []string{`success`}, ""},
	{"topicRoute -t {T}", []string{`"?brokerName"?\s*:\s*"gantry-0"`, `"?writeQueueNums"?\s*:\s*4`}, ""},
	{"topicList", []string{`(?m)^{T}$`, `(?m)^RMQ_SYS_TRACE_TOPIC$`}, ""},
	{"topicList -c", []string{`DefaultCluster\s+{T}`}, ""},
	{"topicClusterList -t {T}", []string{`DefaultCluster`}, ""},
	{"topicStatus -t {T}", []string{`gantry-0\s+0\s+0\s+[0-9]+\s+20`, `gantry-0\s+3\s+0`}, ""},
	{"allocateMQ -t {T} -i 10.0.0.1,10.0.0.2", []string{`"10.0.0.1":\[`, `"queueId":3`}, ""},
	{"updateSubGroup -c DefaultCluster -g {G2} -r 5", []string{`create subscription group to {B} success`, `retryMaxTimes=5`}, ""},
	{"getConsumerConfig -g {G2}", []string{`gantry-0`, `retryMaxTimes\s+=\s+5`, `consumeEnable\s+=\s+true`}, ""},
	{"consumerProgress -g {G}", []string{`{T}\s+gantry-0\s+0\s+`, `Consume TPS`, `Diff Total: 0`}, ""},
	{"consumerProgress", []string{`{G}`}, ""},
	{"consumerStatus -g {G}", []string{`{CLIENT}`, `JAVA|{V}`}, ""},
	{"consumerConnection -g {G}", []string{`{CLIENT}`, `ConsumeType: CONSUME_PASSIVELY`, `{T} \*`}, ""},
	{"queryMsgById -i {ID}", []string{`Topic:\s+{T}`, `OffsetID:\s+{ID}`, `MessageTrack \[consumerGroup={G}, trackType=CONSUMED`}, "4.9.8"},
	{"queryMsgById -i {ID} -t {T}", []string{`Topic:\s+{T}`, `OffsetID:\s+{ID}`, `{G}`}, "5.3.3"},
	{"queryMsgByUniqueKey -t {T} -i {UNIQUE}", []string{`Topic:\s+{T}`, `{G}.*CONSUMED|Offset ID:\s+{ID}`}, ""},
	{"queryMsgByKey -t {T} -k key-1", []string{`{UNIQUE}`}, ""},
	{"queryMsgByOffset -t {T} -b gantry-0 -i 0 -o 0", []string{`OffsetID:\s+{ID}`}, ""},
	{"printMsg -t {T} -d true", []string{`MSGID: {UNIQUE}`}, ""},
	{"printMsgByQueue -t {T} -a gantry-0 -i 0 -p true -d true", []string{`MSGID: {UNIQUE}`}, ""},
	{"consumeMessage -t {T} -b gantry-0 -i 0 -o 0 -c 1 -g {G2}", []string{`Consume ok`, `{UNIQUE}`}, ""},
	{"sendMessage -t {T} -p hello", []string{`gantry-0\s+[0-9]\s+SEND_OK`}, ""},
	{"checkMsgSendRT -t {T} -a 3 -s 16", []string{`gantry-0`, `Avg RT`}, ""},
	{"sendMsgStatus -b gantry-0 -s 16 -c 2", []string{`SEND_OK|sendStatus=SEND_OK`}, ""},
	{"resetOffsetByTime -g {G} -t {T} -s 0", []string{`gantry-0\s+0\s+0`}, ""},
	{"skipAccumulatedMessage -g {G} -t {T}", []string{`gantry-0\s+0\s+[0-9]+`}, ""},
	{"brokerStatus -b {B}", []string{`brokerVersionDesc\s+: V5_3_3`, `putTps\s+: [0-9.]+ [0-9.]+ [0-9.]+`, `commitLogDirCapacity\s+: Total : [0-9.]+ [KMGT]iB`}, ""},
	{"getBrokerConfig -b {B}", []string{`brokerName\s+=\s+gantry-0`, `maxMessageSize\s+=\s+4194304`}, ""},
	{"updateBrokerConfig -b {B} -k brokerPermission -v 6", []string{`update broker config success`}, ""},
	{"brokerConsumeStats -b {B}", []string{`{T}\s+{G}\s+gantry-0\s+0`, `Diff Total:`}, ""},
	{"producer -b {B}", []string{`producer group[^\n]*`}, ""},
	{"statsAll -t {T}", []string{`{T}\s+{G}\s+`}, ""},
	{"cleanExpiredCQ -b {B}", []string{`success`}, ""},
	{"cleanUnusedTopic -b {B}", []string{`success`}, ""},
	{"getNamesrvConfig", []string{`listenPort\s+=\s+[0-9]+`}, ""},
	{"wipeWritePerm -b gantry-0", []string{`wipe write perm of broker\[gantry-0\] in name server\[{N}\] OK, [1-9]`}, ""},
	{"addWritePerm -b gantry-0", []string{`OK, [1-9]`}, ""},
	{"haStatus -b {B}", []string{`MasterAddr|HAStatus|masterCommitLogMaxOffset|Slave`}, "5.3.3"},
	{"updateKvConfig -s NS -k k1 -v v1", []string{`create or update kv config to namespace success`}, ""},
	{"deleteKvConfig -s NS -k k1", []string{`delete kv config from namespace success`}, ""},
	{"updateOrderConf -m put -t {T} -v gantry-0:4", []string{`update orderConf success`}, ""},
	{"updateOrderConf -m get -t {T}", []string{`orderConf=\[gantry-0:4\]`}, ""},
	{"updateOrderConf -m delete -t {T}", []string{`delete orderConf success`}, ""},
	{"cloneGroupOffset -s {G} -d {G2} -t {T} -o false", []string{`clone group offset success`}, ""},
	{"exportMetadata -c DefaultCluster -f {DIR}", []string{`export .*success`}, ""},
	{"exportConfigs -c DefaultCluster -f {DIR}", []string{`export .*success`}, ""},
	{"exportMetrics -c DefaultCluster -f {DIR}", []string{`export .*success`}, ""},
	{"deleteSubGroup -c DefaultCluster -g {G2}", []string{`delete subscription group \[{G2}\] from broker \[{B}\] in cluster \[DefaultCluster\] success`}, ""},
	{"deleteTopic -c DefaultCluster -t {T2}", []string{`delete topic \[{T2}\] from cluster \[DefaultCluster\] success`, `from NameServer success`}, ""},
}

// TestMQAdmin runs every sub-command that users' scripts contain, and looks at what it prints.
func TestMQAdmin(t *testing.T) {
	if lab.foreign {
		t.Skip("what Apache's server prints is not what is tested")
	}
	for _, version := range []string{"4.9.8", "5.3.3"} {
		t.Run(version, func(t *testing.T) {
			if testing.Short() && version == "5.3.3" {
				t.Skip("waits 3 s at the end of most sub-commands, for a thread of its own")
			}
			runMQAdmin(t, version)
		})
	}
}

func runMQAdmin(t *testing.T, version string) {
	topic, other, group := newTopic(t, 4), newTopic(t, 1), unique(t, "G")
	java := harness.Kind{Lang: "java", Version: version, Serialization: "JSON"}
	p := start(t, java)
	consumer := p.Do(harness.Cmd{Op: "push", Topic: topic, Group: group})
	sent := p.Send(harness.Cmd{Topic: topic, Count: 1, Queues: 1, Keys: "key-1"})
	p.WaitReceived(lab.limit, consumer.ID, sent)
	p.Stop(consumer.ID) // stores its offsets
	p.Do(harness.Cmd{Op: "push", Topic: topic, Group: group})
	storedOffsets(t, topic, group, 1, 1)

	names := strings.NewReplacer("{T}", topic, "{T2}", other, "{G}", group, "{G2}", unique(t, "G2"), "{B}", brokerAddr(t, topic),
		"{N}", lab.namesrv, "{ID}", sent[0].OffsetMsgID, "{UNIQUE}", sent[0].MsgID, "{CLIENT}", "push-", "{V}", "V", "{DIR}", t.TempDir())
	tool := harness.StartMQAdmin(t, version, lab.namesrv)
	for _, c := range adminCases {
		if c.only != "" && c.only != version {
			continue
		}
		began := time.Now()
		out := tool.Run(strings.Fields(names.Replace(c.args))...)
		if took := time.Since(began); took > 2*time.Second {
			t.Logf("mqadmin %s %s takes %v", version, c.args, took.Round(100*time.Millisecond))
		}
		for _, want := range c.want {
			if !regexp.MustCompile(names.Replace(want)).MatchString(out) {
				t.Errorf("mqadmin %s %s:\n%s\nhas no %s", version, names.Replace(c.args), indent(out), names.Replace(want))
			}
		}
		if strings.Contains(out, "Exception") && !strings.Contains(out, "exceptionDesc=null") {
			t.Errorf("mqadmin %s %s fails:\n%s", version, names.Replace(c.args), indent(out))
		}
	}
}

func indent(text string) string {
	const most = 3000
	if len(text) > most {
		text = text[:most] + fmt.Sprintf("... (%d bytes)", len(text))
	}
	return "    " + strings.ReplaceAll(text, "\n", "\n    ")
}
