package wire

// OffsetRequest is what the reading and the storing of a group's offset carry
// (14, 15). Its texts alias the frame.
type OffsetRequest struct {
	Group, Topic      []byte
	Queue             int32
	Commit            int64 // 15
	SetZeroIfNotFound bool  // 14; true where absent
	Broker            []byte
}

const (
	offsetGroup = iota
	offsetTopic
	offsetQueue
	offsetCommit
	offsetSetZero
	offsetBroker

	offsetMandatory = 1<<(offsetQueue+1) - 1
)

var offsetNames = []string{"consumerGroup", "topic", "queueId", "commitOffset", "setZeroIfNotFound", "bname"}

// DecodeQuery reads the ext fields of 14.
func (r *OffsetRequest) DecodeQuery(ext Fields) error { return r.decode(ext, offsetMandatory) }

// DecodeCommit reads the ext fields of 15.
func (r *OffsetRequest) DecodeCommit(ext Fields) error {
	return r.decode(ext, offsetMandatory|1<<offsetCommit)
}

func (r *OffsetRequest) decode(ext Fields, mandatory uint32) error {
	*r = OffsetRequest{SetZeroIfNotFound: true}
	d := decoder{names: offsetNames}
	for i := range ext {
		v := ext[i].Value
		switch string(ext[i].Key) {
		case "consumerGroup":
			r.Group = d.text(offsetGroup, v)
		case "topic":
			r.Topic = d.text(offsetTopic, v)
		case "queueId":
			r.Queue = d.int32(offsetQueue, v)
		case "commitOffset":
			r.Commit = d.int64(offsetCommit, v)
		case "setZeroIfNotFound":
			r.SetZeroIfNotFound = len(v) == 0 || d.bool(offsetSetZero, v)
		case "bname":
			r.Broker = d.text(offsetBroker, v)
		}
	}
	return d.finish(mandatory)
}
