package wire

// Flags of a pull.
const (
	PullCommitOffset int32 = 1 << 0 // commitOffset is to be stored
	PullSuspend      int32 = 1 << 1 // wait where there is nothing
	PullSubscription int32 = 1 << 2 // the filter is in the request
	PullClassFilter  int32 = 1 << 3
	PullLite         int32 = 1 << 4
)

// PullRequest is what a pull carries (11, 361). Its texts alias the frame.
type PullRequest struct {
	Group, Topic   []byte
	Queue          int32
	Offset         int64
	MaxMessages    int32
	SysFlag        int32
	CommitOffset   int64
	SuspendMillis  int64
	Subscription   []byte
	SubVersion     int64
	ExpressionType []byte
	MaxBytes       int32
	Broker         []byte
}

const (
	pullGroup = iota
	pullTopic
	pullQueue
	pullOffset
	pullMax
	pullSysFlag
	pullCommit
	pullSuspendMillis
	pullSubVersion
	pullSubscription
	pullType
	pullMaxBytes
	pullBroker

	pullMandatory = 1<<(pullSysFlag+1) - 1
)

var pullNames = []string{
	"consumerGroup", "topic", "queueId", "queueOffset", "maxMsgNums", "sysFlag", "commitOffset",
	"suspendTimeoutMillis", "subVersion", "subscription", "expressionType", "maxMsgBytes", "bname",
}

// Decode reads the ext fields of a pull.
func (r *PullRequest) Decode(ext Fields) error {
	*r = PullRequest{CommitOffset: -1}
	d := decoder{names: pullNames}
	for i := range ext {
		v := ext[i].Value
		switch string(ext[i].Key) {
		case "consumerGroup":
			r.Group = d.text(pullGroup, v)
		case "topic":
			r.Topic = d.text(pullTopic, v)
		case "queueId":
			r.Queue = d.int32(pullQueue, v)
		case "queueOffset":
			r.Offset = d.int64(pullOffset, v)
		case "maxMsgNums":
			r.MaxMessages = d.int32(pullMax, v)
		case "sysFlag":
			r.SysFlag = d.int32(pullSysFlag, v)
		case "commitOffset":
			r.CommitOffset = d.int64(pullCommit, v)
		case "suspendTimeoutMillis":
			r.SuspendMillis = d.int64(pullSuspendMillis, v)
		case "subscription":
			r.Subscription = d.text(pullSubscription, v)
		case "subVersion":
			r.SubVersion = d.int64(pullSubVersion, v)
		case "expressionType":
			r.ExpressionType = d.text(pullType, v)
		case "maxMsgBytes":
			r.MaxBytes = d.int32(pullMaxBytes, v)
		case "bname":
			r.Broker = d.text(pullBroker, v)
		}
	}
	return d.finish(pullMandatory)
}
