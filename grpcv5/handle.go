package grpcv5

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/grpcv5/apis"
)

// Receipt handles, as clients keep them: opaque to them, and readable by every
// process that serves the shard. The text is base64 of a version and the numbers
// of the receipt. Whether a delivery is still on, core knows; that a handle is
// of the topic and group that a request names, is checked here.

// handleVersion begins every handle.
const handleVersion = 1

// handleSize is more than the bytes of a handle: the version and eight numbers.
const handleSize = 1 + 8*binary.MaxVarintLen64

// handleText returns the handle of a receipt.
func handleText(r *core.Receipt) string {
	var raw [handleSize]byte
	return base64.RawURLEncoding.EncodeToString(appendReceipt(raw[:0], r))
}

// appendHandle appends the handle of a receipt.
func appendHandle(dst []byte, r *core.Receipt) []byte {
	var raw [handleSize]byte
	return base64.RawURLEncoding.AppendEncode(dst, appendReceipt(raw[:0], r))
}

func appendReceipt(b []byte, r *core.Receipt) []byte {
	b = append(b, handleVersion)
	for _, n := range receiptNumbers(r) {
		b = binary.AppendUvarint(b, n)
	}
	return b
}

func receiptNumbers(r *core.Receipt) [8]uint64 {
	q := &r.Cursor.Queue
	return [...]uint64{
		uint64(r.Cursor.Group), uint64(q.Shard), uint64(q.Topic), uint64(q.Num),
		uint64(r.Offset), uint64(r.PopTime), uint64(r.Invisible), uint64(r.Attempt),
	}
}

// numberLimits are the largest numbers of a receipt, in the order of the handle.
var numberLimits = [8]uint64{
	math.MaxUint32, math.MaxUint16, math.MaxUint32, math.MaxInt32,
	math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt32,
}

// parseHandle reads a handle.
func parseHandle(text string) (r core.Receipt, ok bool) {
	var raw [handleSize]byte
	if len(text) > base64.RawURLEncoding.EncodedLen(handleSize) {
		return r, false
	}
	size, err := base64.RawURLEncoding.Strict().Decode(raw[:], []byte(text))
	if err != nil || size == 0 || raw[0] != handleVersion {
		return r, false
	}
	var n [8]uint64
	b := raw[1:size]
	for i := range n {
		used := 0
		if n[i], used = binary.Uvarint(b); used <= 0 || n[i] > numberLimits[i] || used > 1 && b[used-1] == 0 {
			return r, false
		}
		b = b[used:]
	}
	r = core.Receipt{
		Cursor: core.CursorID{Group: core.GroupID(n[0]), Queue: core.Queue{Shard: core.ShardID(n[1]), Topic: core.TopicID(n[2]), Num: int32(n[3])}},
		Offset: core.Offset(n[4]), PopTime: int64(n[5]), Invisible: int64(n[6]), Attempt: int32(n[7]),
	}
	return r, len(b) == 0
}

var errHandle = refuse(apis.Code_INVALID_RECEIPT_HANDLE, "the receipt handle is not one of this topic and group, or its delivery is over")

// receipt reads the handle of a request for a topic and a group.
func (c *call) receipt(text string, topic, group *apis.Resource) (r core.Receipt, err error) {
	r, ok := parseHandle(text)
	if !ok || r.Cursor.Queue.Shard != c.server.shard.ID {
		return r, errHandle
	}
	t, known := c.server.engine.Topic(c.name(topic))
	if !known || t.ID != r.Cursor.Queue.Topic {
		return r, errHandle
	}
	g, known := c.server.engine.Group(c.name(group))
	if !known || g.ID != r.Cursor.Group {
		return r, errHandle
	}
	return r, nil
}

// Recall handles name a delayed message: its topic, broker, time and id, in the
// text that 4.x clients read too.
const recallVersion = "v1"

// recallText returns the handle of a delayed message.
func recallText(topic, broker string, deliverAt int64, id string) string {
	text := strings.Join([]string{recallVersion, topic, broker, strconv.FormatInt(deliverAt, 10), id}, " ")
	return base64.URLEncoding.EncodeToString([]byte(text))
}

// parseRecall reads a recall handle.
func parseRecall(handle string) (topic, broker string, deliverAt int64, id string, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(handle, "="))
	f := strings.Split(string(raw), " ")
	if err != nil || len(f) != 5 || f[0] != recallVersion {
		return "", "", 0, "", false
	}
	deliverAt, err = strconv.ParseInt(f[3], 10, 64)
	return f[1], f[2], deliverAt, f[4], err == nil && f[4] != ""
}
