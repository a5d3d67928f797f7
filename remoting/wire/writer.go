package wire

import (
	"encoding/binary"
	"strconv"
)

// Head is a command without its ext fields and body.
type Head struct {
	Serialization Serialization
	Code          int32
	Language      Language
	Version       int32
	Opaque        int32
	Flag          int32
	Remark        string
}

// Writer appends one frame to a buffer: Begin, the ext fields, Body, End. It is
// used by value on the stack, and allocates only where the buffer grows.
type Writer struct {
	buf     []byte
	start   int // of the frame in buf
	fields  int // where the ext fields begin
	header  int // length of the header; 0 until Body
	binary  bool
	comma   bool
	hasBody bool
}

// The constant parts of what the server answers in JSON.
const (
	jsonCode     = `{"code":`
	jsonFlag     = `,"flag":`
	jsonLanguage = `,"language":"`
	jsonOpaque   = `","opaque":`
	jsonVersion  = `,"version":`
	jsonRemark   = `,"remark":`
	jsonExt      = `,"extFields":{`

	answerMiddle = `,"flag":1,"language":"JAVA","opaque":`
	answerEnd    = `,"version":479,"extFields":{`
)

// BeginAnswer starts the successful answer to a request: Begin with the
// constant parts ready made.
func BeginAnswer(buf []byte, s Serialization, code ResponseCode, opaque int32) Writer {
	if s == Binary {
		return Begin(buf, Head{Serialization: s, Code: int32(code), Version: VersionSpoken, Opaque: opaque, Flag: FlagResponse})
	}
	w := Writer{start: len(buf)}
	buf = append(buf, 0, 0, 0, 0, 0, 0, 0, 0)
	buf = append(buf, jsonCode...)
	buf = strconv.AppendInt(buf, int64(code), 10)
	buf = append(buf, answerMiddle...)
	buf = strconv.AppendInt(buf, int64(opaque), 10)
	w.buf = append(buf, answerEnd...)
	return w
}

// Begin starts a frame.
func Begin(buf []byte, h Head) Writer {
	w := Writer{buf: buf, start: len(buf), binary: h.Serialization == Binary}
	w.buf = append(w.buf, 0, 0, 0, 0, 0, 0, 0, 0)
	if w.binary {
		w.beginBinary(&h)
	} else {
		w.beginJSON(&h)
	}
	return w
}

func (w *Writer) beginJSON(h *Head) {
	b := append(w.buf, jsonCode...)
	b = strconv.AppendInt(b, int64(h.Code), 10)
	b = append(b, jsonFlag...)
	b = strconv.AppendInt(b, int64(h.Flag), 10)
	b = append(b, jsonLanguage...)
	b = append(b, h.Language.String()...)
	b = append(b, jsonOpaque...)
	b = strconv.AppendInt(b, int64(h.Opaque), 10)
	b = append(b, jsonVersion...)
	b = strconv.AppendInt(b, int64(h.Version), 10)
	if h.Remark != "" {
		b = append(b, jsonRemark...)
		b = appendQuoted(b, h.Remark)
	}
	w.buf = append(b, jsonExt...) // never null: Java 4.9 dereferences it in send answers
}

func (w *Writer) beginBinary(h *Head) {
	b := binary.BigEndian.AppendUint16(w.buf, uint16(h.Code))
	b = append(b, byte(h.Language))
	b = binary.BigEndian.AppendUint16(b, uint16(h.Version))
	b = binary.BigEndian.AppendUint32(b, uint32(h.Opaque))
	b = binary.BigEndian.AppendUint32(b, uint32(h.Flag))
	b = binary.BigEndian.AppendUint32(b, uint32(len(h.Remark)))
	b = append(b, h.Remark...)
	b = append(b, 0, 0, 0, 0)
	w.buf, w.fields = b, len(b)
}

// Text adds a field.
func (w *Writer) Text(key, value string) {
	if w.binary {
		w.buf = appendBinaryField(w.buf, key, value)
		return
	}
	w.jsonKey(key)
	w.buf = appendQuoted(w.buf, value)
}

// Int adds a field that holds a number: as a string, which Go and C++ insist on.
func (w *Writer) Int(key string, value int64) {
	if w.binary {
		var tmp [20]byte
		w.buf = appendBinaryField(w.buf, key, strconv.AppendInt(tmp[:0], value, 10))
		return
	}
	w.jsonKey(key)
	b := append(w.buf, '"')
	b = strconv.AppendInt(b, value, 10)
	w.buf = append(b, '"')
}

// Raw adds a field whose value needs no escaping in JSON.
func (w *Writer) Raw(key string, value []byte) {
	if w.binary {
		w.buf = appendBinaryField(w.buf, key, value)
		return
	}
	w.jsonKey(key)
	b := append(w.buf, '"')
	b = append(b, value...)
	w.buf = append(b, '"')
}

// Bytes adds a field with any value.
func (w *Writer) Bytes(key string, value []byte) { w.bytes([]byte(key), value) }

func (w *Writer) bytes(key, value []byte) {
	if w.binary {
		w.buf = appendBinaryField(w.buf, key, value)
		return
	}
	if w.comma {
		w.buf = append(w.buf, ',')
	}
	w.comma = true
	w.buf = appendQuoted(w.buf, key)
	w.buf = append(w.buf, ':')
	w.buf = appendQuoted(w.buf, value)
}

// jsonKey writes a key that the source code spells, so nothing is to escape.
func (w *Writer) jsonKey(key string) {
	b := w.buf
	if w.comma {
		b = append(b, ',')
	}
	w.comma = true
	b = append(b, '"')
	b = append(b, key...)
	w.buf = append(b, '"', ':')
}

// Body ends the header and appends to the body.
func (w *Writer) Body(body []byte) {
	w.endHeader()
	w.buf = append(w.buf, body...)
}

func (w *Writer) endHeader() {
	if w.hasBody {
		return
	}
	w.hasBody = true
	if w.binary {
		binary.BigEndian.PutUint32(w.buf[w.fields-4:], uint32(len(w.buf)-w.fields))
	} else {
		w.buf = append(w.buf, '}', '}')
	}
	w.header = len(w.buf) - w.start - prefixSize
}

// End completes the frame and returns the buffer.
func (w *Writer) End() []byte {
	w.endHeader()
	mark := uint32(w.header)
	if w.binary {
		mark |= uint32(Binary) << 24
	}
	binary.BigEndian.PutUint32(w.buf[w.start:], uint32(len(w.buf)-w.start-lengthSize))
	binary.BigEndian.PutUint32(w.buf[w.start+lengthSize:], mark)
	return w.buf
}

type text interface{ ~string | ~[]byte }

func appendBinaryField[K, V text](b []byte, key K, value V) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(key)))
	b = append(b, key...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(value)))
	return append(b, value...)
}

// appendQuoted appends a JSON string. Only what JSON demands is escaped: some
// clients parse routes without a JSON library.
func appendQuoted[T text](b []byte, s T) []byte {
	const digits = "0123456789abcdef"
	b = append(b, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[start:i]...)
		start = i + 1
		if c == '"' || c == '\\' {
			b = append(b, '\\', c)
			continue
		}
		b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}
