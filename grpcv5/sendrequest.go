package grpcv5

import (
	"unicode/utf8"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/gantrymq/gantry/grpcv5/apis"
)

// The messages of a SendMessageRequest, read where they lie: what is a property
// goes into the text that core stores, and the body stays in the buffer that the
// transport read it into until core encodes it. Field numbers are those of
// definition.proto.

// sendRequest is a request as it came.
type sendRequest struct {
	buf      mem.Buffer // holds all bytes that messages point to; nil after free
	bytes    int
	messages []sentMessage
	unknown  bool // it has fields that are not known here
}

// sentMessage is one message. Its slices alias the request.
type sentMessage struct {
	namespace, topic []byte
	user             []userProperty
	tag              []byte
	keys             [][]byte
	id               []byte
	encoding         apis.Encoding
	kind             apis.MessageType
	born, deliverAt  int64 // ms since 1970; deliverAt: 0 is none
	bornHost         []byte
	group            []byte
	trace            []byte
	recovery         int64 // ms
	liteTopic        []byte
	priority         int32
	body             []byte

	hasTag, hasDeliverAt, hasGroup, hasLiteTopic, hasPriority bool
}

type userProperty struct{ key, value []byte }

// read implements reader.
func (r *sendRequest) read(data mem.BufferSlice) error {
	r.free()
	r.buf = data.MaterializeToBuffer(mem.DefaultBufferPool())
	b := r.buf.ReadOnlyData()
	r.bytes, r.messages, r.unknown = len(b), r.messages[:0], false
	return fields(b, func(num protowire.Number, v value) error {
		if num != 1 || v.typ != protowire.BytesType {
			r.unknown = true
			return nil
		}
		return r.message(v.bytes)
	})
}

// free gives back the bytes. Messages are not to be looked at any more.
func (r *sendRequest) free() {
	if r.buf != nil {
		r.buf.Free()
		r.buf = nil
	}
}

// message reads a Message into the next place, whose slices are used again.
func (r *sendRequest) message(b []byte) error {
	if len(r.messages) < cap(r.messages) {
		r.messages = r.messages[:len(r.messages)+1]
	} else {
		r.messages = append(r.messages, sentMessage{})
	}
	m := &r.messages[len(r.messages)-1]
	*m = sentMessage{user: m.user[:0], keys: m.keys[:0]}
	return fields(b, func(num protowire.Number, v value) error {
		switch num {
		case 1:
			return m.resource(v.bytes)
		case 2:
			return m.userProperty(v.bytes)
		case 3:
			return m.system(v.bytes, r)
		case 4:
			m.body = v.bytes
		default:
			r.unknown = true
		}
		return nil
	})
}

func (m *sentMessage) resource(b []byte) error {
	return fields(b, func(num protowire.Number, v value) error {
		switch num {
		case 1:
			m.namespace = v.bytes
		case 2:
			m.topic = v.bytes
		}
		return nil
	})
}

func (m *sentMessage) userProperty(b []byte) error {
	var p userProperty
	err := fields(b, func(num protowire.Number, v value) error {
		switch num {
		case 1:
			p.key = v.bytes
		case 2:
			p.value = v.bytes
		}
		return nil
	})
	m.user = append(m.user, p)
	return err
}

// system reads SystemProperties. What the server fills in itself (store time,
// receipt handle, queue, attempts) is passed over.
func (m *sentMessage) system(b []byte, r *sendRequest) error {
	return fields(b, func(num protowire.Number, v value) (err error) {
		switch num {
		case 1:
			m.tag, m.hasTag = v.bytes, true
		case 2:
			m.keys = append(m.keys, v.bytes)
		case 3:
			m.id = v.bytes
		case 5:
			m.encoding = apis.Encoding(v.number)
		case 6:
			m.kind = apis.MessageType(v.number)
		case 7:
			m.born, err = milliseconds(v.bytes)
		case 8:
			m.bornHost = v.bytes
		case 11:
			m.hasDeliverAt = true
			m.deliverAt, err = milliseconds(v.bytes)
		case 17:
			m.group, m.hasGroup = v.bytes, true
		case 18:
			m.trace = v.bytes
		case 19:
			m.recovery, err = milliseconds(v.bytes)
		case 21:
			m.liteTopic, m.hasLiteTopic = v.bytes, true
		case 22:
			m.priority, m.hasPriority = int32(v.number), true
		case 4, 9, 10, 12, 13, 14, 15, 16, 20:
		default:
			r.unknown = true
		}
		return err
	})
}

// milliseconds reads a Timestamp or a Duration.
func milliseconds(b []byte) (ms int64, err error) {
	var seconds int64
	var nanos int32
	err = fields(b, func(num protowire.Number, v value) error {
		switch num {
		case 1:
			seconds = int64(v.number)
		case 2:
			nanos = int32(v.number)
		}
		return nil
	})
	const far = 1 << 40 // seconds; more cannot be meant, and would overflow
	seconds = max(-far, min(far, seconds))
	return seconds*1000 + int64(nanos)/1_000_000, err
}

// value is a field: number of a varint or fixed one, bytes of one with a length.
type value struct {
	typ    protowire.Type
	number uint64
	bytes  []byte
}

// fields walks over the fields of a message.
func fields(b []byte, each func(protowire.Number, value) error) error {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		v := value{typ: typ}
		switch typ {
		case protowire.VarintType:
			v.number, n = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			v.bytes, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(num, typ, b)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		if err := each(num, v); err != nil {
			return err
		}
	}
	return nil
}

// clean reports whether text is valid UTF-8 and has no control characters, so
// that it can be a property.
func clean(text []byte) bool {
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			if c < 0x20 || c == 0x7f {
				return false
			}
			i++
			continue
		}
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 || r >= 0x80 && r <= 0x9f {
			return false
		}
		i += n
	}
	return true
}
