package wire

import "strconv"

// SendRequest is what a send carries (10 with long names, 310 and 320 with one
// letter each). Its texts alias the frame.
type SendRequest struct {
	Group, Topic, DefaultTopic []byte
	DefaultQueues              int32
	Queue                      int32
	SysFlag                    int32
	Born                       int64
	Flag                       int32
	Properties                 []byte
	ReconsumeTimes             int32
	UnitMode                   bool
	MaxReconsumeTimes          int32 // -1 where absent
	Batch                      bool
	Broker                     []byte
}

const (
	sendGroup = iota
	sendTopic
	sendDefaultTopic
	sendDefaultQueues
	sendQueue
	sendSysFlag
	sendBorn
	sendFlag
	sendProperties
	sendReconsumeTimes
	sendUnitMode
	sendMaxReconsumeTimes
	sendBatch
	sendBroker

	sendMandatory = 1<<(sendFlag+1) - 1
)

var sendNames = []string{
	"producerGroup (a)", "topic (b)", "defaultTopic (c)", "defaultTopicQueueNums (d)", "queueId (e)",
	"sysFlag (f)", "bornTimestamp (g)", "flag (h)", "properties (i)", "reconsumeTimes (j)",
	"unitMode (k)", "maxReconsumeTimes (l)", "batch (m)", "bname (n)",
}

// Decode reads the ext fields of a send.
func (r *SendRequest) Decode(ext Fields) error {
	*r = SendRequest{MaxReconsumeTimes: -1}
	d := decoder{names: sendNames}
	for i := range ext {
		v := ext[i].Value
		switch string(ext[i].Key) {
		case "a", "producerGroup":
			r.Group = d.text(sendGroup, v)
		case "b", "topic":
			r.Topic = d.text(sendTopic, v)
		case "c", "defaultTopic":
			r.DefaultTopic = d.text(sendDefaultTopic, v)
		case "d", "defaultTopicQueueNums":
			r.DefaultQueues = d.int32(sendDefaultQueues, v)
		case "e", "queueId":
			r.Queue = d.int32(sendQueue, v)
		case "f", "sysFlag":
			r.SysFlag = d.int32(sendSysFlag, v)
		case "g", "bornTimestamp":
			r.Born = d.int64(sendBorn, v)
		case "h", "flag":
			r.Flag = d.int32(sendFlag, v)
		case "i", "properties":
			r.Properties = d.text(sendProperties, v)
		case "j", "reconsumeTimes":
			r.ReconsumeTimes = d.int32(sendReconsumeTimes, v)
		case "k", "unitMode":
			r.UnitMode = d.bool(sendUnitMode, v)
		case "l", "maxReconsumeTimes":
			r.MaxReconsumeTimes = d.int32(sendMaxReconsumeTimes, v)
		case "m", "batch":
			r.Batch = d.bool(sendBatch, v)
		case "n", "bname":
			r.Broker = d.text(sendBroker, v)
		}
	}
	return d.finish(sendMandatory)
}

// AppendTo writes the fields as a reply that is pushed to a client has them: all but
// those that say what to do with a message.
func (r *SendRequest) AppendTo(w *Writer) {
	w.Bytes("producerGroup", r.Group)
	w.Bytes("topic", r.Topic)
	w.Bytes("defaultTopic", r.DefaultTopic)
	w.Int("defaultTopicQueueNums", int64(r.DefaultQueues))
	w.Int("queueId", int64(r.Queue))
	w.Int("sysFlag", int64(r.SysFlag))
	w.Int("bornTimestamp", r.Born)
	w.Int("flag", int64(r.Flag))
	w.Bytes("properties", r.Properties)
	w.Int("reconsumeTimes", int64(r.ReconsumeTimes))
	w.Text("unitMode", strconv.FormatBool(r.UnitMode))
}
