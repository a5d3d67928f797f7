package grpcv5

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"encoding/binary"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/record"
	"github.com/gantrymq/gantry/grpcv5/apis"
)

// A delivered message, written from its stored form straight into the bytes of a
// ReceiveMessageResponse: there is no struct in between. Field numbers are those
// of service.proto and definition.proto.

// Fields of a ReceiveMessageResponse; a PullMessageResponse has its message in the
// same one.
const (
	fieldMessage           = 2
	fieldDeliveryTimestamp = 3
)

// Fields of a Message.
const (
	fieldTopic            = 1
	fieldUserProperty     = 2
	fieldSystemProperties = 3
	fieldBody             = 4
)

// encoder writes messages. It keeps its room.
type encoder struct {
	digest apis.DigestType
	topic  []byte // the field of the topic, the same for all messages
	head   []byte // the fields of a message before its body
	system []byte // its system properties
}

// begin prepares for messages of a topic, whose name is the client's.
func (e *encoder) begin(digest apis.DigestType, topic *apis.Resource) {
	e.digest = digest
	namespace, name := topic.GetResourceNamespace(), topic.GetName()
	e.system = e.system[:0]
	if namespace != "" {
		e.system = appendText(e.system, 1, []byte(namespace))
	}
	e.system = appendText(e.system, 2, []byte(name))
	e.topic = appendText(e.topic[:0], fieldTopic, e.system)
}

// message writes one message: it is the response that carries it, to a receive
// or a pull; d is the delivery, nil for a pull.
func (e *encoder) message(w record.Wire, d *core.Delivery) mem.Buffer {
	body := plain(w.Body(), w.SysFlag())
	e.head = append(e.head[:0], e.topic...)
	e.properties(w, d, body)
	e.head = appendBytes(e.head, fieldSystemProperties, e.system)

	size := len(e.head) + fieldSize(fieldBody, len(body))
	total := fieldSize(fieldMessage, size)
	pool := mem.DefaultBufferPool()
	buf := pool.Get(total)
	b := (*buf)[:0]
	b = protowire.AppendTag(b, fieldMessage, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(size))
	b = append(b, e.head...)
	*buf = appendBytes(b, fieldBody, body)
	return mem.NewBuffer(buf, pool)
}

// fieldSize is the length of a field of n bytes with its tag and length.
func fieldSize(num protowire.Number, n int) int {
	return protowire.SizeTag(num) + protowire.SizeBytes(n)
}

// told is what a message's properties say of the fields that have a place of
// their own. The slices alias the message.
type told struct {
	tag, keys, id, group, trace, bornHost, deliverAt, priority, lite, deadTopic, deadID []byte

	delayed, prepared bool
}

// properties writes the user's properties to head, and the system's to system.
func (e *encoder) properties(w record.Wire, d *core.Delivery, body []byte) {
	var t told
	for text := w.Properties(); ; {
		key, value, rest, ok := record.NextProperty(text)
		if !ok {
			break
		}
		text = rest
		if !t.take(key, value) && !reserved(key) {
			e.userProperty(key, value)
		}
	}
	e.system = t.append(e.system[:0], w, e.digest, body)
	e.system = appendNumber(e.system, 13, uint64(w.Queue()))
	e.system = appendNumber(e.system, 14, uint64(w.QueueOffset()))
	if d != nil {
		e.delivery(d)
	}
}

func (e *encoder) userProperty(key, value []byte) {
	key, value = valid(key), valid(value)
	e.head = protowire.AppendTag(e.head, fieldUserProperty, protowire.BytesType)
	e.head = protowire.AppendVarint(e.head, uint64(fieldSize(1, len(key))+fieldSize(2, len(value))))
	e.head = appendBytes(e.head, 1, key)
	e.head = appendBytes(e.head, 2, value)
}

// take keeps a property that has a field of its own.
func (t *told) take(key, value []byte) bool {
	switch string(key) {
	case record.PropTags:
		t.tag = value
	case record.PropKeys:
		t.keys = value
	case record.PropUniqueKey:
		t.id = value
	case record.PropShardingKey:
		t.group = value
	case record.PropTimerDeliverMs:
		t.deliverAt, t.delayed = value, true
	case record.PropDelayLevel, record.PropTimerDelayMs, record.PropTimerDelaySec, record.PropStartDeliverTime:
		t.delayed = t.delayed || string(value) != "0"
	case record.PropTransaction:
		t.prepared = string(value) == "true"
	case propTrace:
		t.trace = value
	case propBornHost:
		t.bornHost = value
	case propPriority:
		t.priority = value
	case propLite:
		t.lite = value
	case propDLQTopic:
		t.deadTopic = value
	case propDLQID:
		t.deadID = value
	default:
		return false
	}
	return true
}

// kind is the message's type, by what it has.
func (t *told) kind() apis.MessageType {
	switch {
	case t.prepared:
		return apis.MessageType_TRANSACTION
	case t.delayed:
		return apis.MessageType_DELAY
	case len(t.group) > 0:
		return apis.MessageType_FIFO
	case len(t.priority) > 0:
		return apis.MessageType_PRIORITY
	case len(t.lite) > 0:
		return apis.MessageType_LITE
	}
	return apis.MessageType_NORMAL
}

// append writes the SystemProperties that the message itself has.
func (t *told) append(b []byte, w record.Wire, kind apis.DigestType, body []byte) []byte {
	if len(t.tag) > 0 {
		b = appendText(b, 1, t.tag)
	}
	for key := range bytes.FieldsFuncSeq(t.keys, isSpace) {
		b = appendText(b, 2, key)
	}
	if len(t.id) > 0 {
		b = appendText(b, 3, t.id)
	} else {
		b = appendText(b, 3, offsetID(w))
	}
	b = appendDigest(b, kind, body)
	b = appendNumber(b, 5, uint64(apis.Encoding_IDENTITY))
	b = appendNumber(b, 6, uint64(t.kind()))
	b = appendMillis(b, 7, w.Born())
	if len(t.bornHost) > 0 {
		b = appendText(b, 8, t.bornHost)
	} else {
		b = appendAddr(b, 8, w.BornHost().Addr())
	}
	b = appendMillis(b, 9, w.StoreTime())
	b = appendAddr(b, 10, w.StoreHost().Addr())
	if at, ok := number(t.deliverAt); ok {
		b = appendMillis(b, 11, at)
	}
	if len(t.group) > 0 {
		b = appendText(b, 17, t.group)
	}
	if len(t.trace) > 0 {
		b = appendText(b, 18, t.trace)
	}
	if len(t.deadTopic) > 0 {
		dead := appendText(appendText(nil, 1, t.deadTopic), 2, t.deadID)
		b = appendBytes(b, 20, dead)
	}
	if len(t.lite) > 0 {
		b = appendText(b, 21, t.lite)
	}
	if p, ok := number(t.priority); ok && p >= 0 && p <= math.MaxInt32 {
		b = appendNumber(b, 22, uint64(p))
	}
	return b
}

// delivery writes the SystemProperties that are the delivery's.
func (e *encoder) delivery(d *core.Delivery) {
	var handle [128]byte
	b := appendBytes(e.system, 12, appendHandle(handle[:0], &d.Receipt))
	b = appendMillis(b, 15, d.Receipt.Invisible)
	e.system = appendNumber(b, 16, uint64(max(d.Receipt.Attempt, 1)))
}

// number reads a property that is a number; most messages have none.
func number(text []byte) (n int64, ok bool) {
	if len(text) == 0 {
		return 0, false
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	return n, err == nil
}

// appendDigest appends the digest of a body: upper-case hex, or Java and Go take
// the message for damaged.
func appendDigest(b []byte, kind apis.DigestType, body []byte) []byte {
	var room [2 * sha1.Size]byte
	hex := room[:0]
	if kind == apis.DigestType_SHA1 {
		sum := sha1.Sum(body)
		hex = appendHex(hex, sum[:])
	} else {
		sum := md5.Sum(body)
		hex = appendHex(hex, sum[:])
	}
	b = protowire.AppendTag(b, 4, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(2+fieldSize(2, len(hex))))
	b = appendNumber(b, 1, uint64(kind))
	return appendBytes(b, 2, hex)
}

func appendHex(dst, raw []byte) []byte {
	const upper = "0123456789ABCDEF"
	for _, c := range raw {
		dst = append(dst, upper[c>>4], upper[c&15])
	}
	return dst
}

// offsetID is the id of a message that its producer gave none: its address, as
// 4.x clients show it.
func offsetID(w record.Wire) []byte {
	var raw [16]byte
	host := w.StoreHost()
	ip := host.Addr().As4()
	copy(raw[:], ip[:])
	binary.BigEndian.PutUint32(raw[4:], uint32(host.Port()))
	binary.BigEndian.PutUint64(raw[8:], uint64(w.PhysicalOffset()))
	return appendHex(make([]byte, 0, 2*len(raw)), raw[:])
}

func isSpace(r rune) bool { return r == ' ' }

// valid returns text as valid UTF-8, which strings must be.
func valid(text []byte) []byte {
	if utf8.Valid(text) {
		return text
	}
	return []byte(strings.ToValidUTF8(string(text), "�"))
}

func appendText(b []byte, num protowire.Number, text []byte) []byte {
	return appendBytes(b, num, valid(text))
}

func appendBytes(b []byte, num protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, num, protowire.BytesType), v)
}

func appendNumber(b []byte, num protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, num, protowire.VarintType), v)
}

func appendAddr(b []byte, num protowire.Number, ip netip.Addr) []byte {
	var text [48]byte
	return appendBytes(b, num, ip.AppendTo(text[:0]))
}

// appendMillis appends a Timestamp or a Duration: seconds, and nanoseconds that
// are not negative.
func appendMillis(b []byte, num protowire.Number, ms int64) []byte {
	seconds, rest := ms/1000, ms%1000
	if rest < 0 {
		seconds, rest = seconds-1, rest+1000
	}
	nanos := uint64(rest * 1_000_000)
	size := protowire.SizeTag(1) + protowire.SizeVarint(uint64(seconds))
	if nanos > 0 {
		size += protowire.SizeTag(2) + protowire.SizeVarint(nanos)
	}
	b = protowire.AppendTag(b, num, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(size))
	b = appendNumber(b, 1, uint64(seconds))
	if nanos > 0 {
		b = appendNumber(b, 2, nanos)
	}
	return b
}
