package record

import (
	"encoding/binary"
	"math"

	"github.com/gantrymq/gantry/core/internal/model"
)

// Lock gives one client of a group a queue for itself, or, with no owner, frees it.
// That the owner renews its lock is in no record.
type Lock struct {
	Group model.GroupID
	Topic model.TopicID
	Queue int32
	Owner string // its client id
}

func (*Lock) kind() Kind { return KindLock }

func (r *Lock) size() int {
	return uvarintLen(uint64(r.Group)) + uvarintLen(uint64(r.Topic)) + uvarintLen(uint64(r.Queue)) + stringLen(r.Owner)
}

func (r *Lock) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(r.Group))
	dst = binary.AppendUvarint(dst, uint64(r.Topic))
	dst = binary.AppendUvarint(dst, uint64(r.Queue))
	return appendString(dst, r.Owner)
}

func (r *Lock) decode(d *decoder) {
	r.Group = model.GroupID(d.uvarint(math.MaxUint32))
	r.Topic = model.TopicID(d.uvarint(math.MaxUint32))
	r.Queue = int32(d.uvarint(math.MaxInt32))
	r.Owner = d.string()
}
