package main

import (
	"encoding/binary"
	"strconv"
)

// Request and answer codes of the remoting protocol that this program speaks.
const (
	codePull          = 11
	codeUpdateTopic   = 17
	codeUpdateGroup   = 200
	codeMaxOffset     = 30
	codeRoute         = 105
	codeSend          = 310
	codeSendBatch     = 320
	codeSuccess       = 0
	codeTopicNotFound = 17
	codePullNotFound  = 19
	codePullAgain     = 20
	codeOffsetMoved   = 21
)

const (
	protocolVersion = 479 // what a Java 5.3.3 client says of itself
	flagResponse    = 1
	maxFrame        = 16 << 20

	// Opaques start here so that all have ten digits: a JSON header can then be patched in place too.
	opaqueBase = 1_000_000_000
)

// codec is the serialization of a frame's header, numbered as in the frame itself.
type codec byte

const (
	codecJSON   codec = 0
	codecBinary codec = 1 // "ROCKETMQ"
)

// field is one extension field of a header.
type field struct{ key, value string }

// appendFrame appends one request: length, serialization and header length, header, body.
func appendFrame(dst []byte, c codec, code int, opaque int32, fields []field, body []byte) []byte {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0)
	if c == codecBinary {
		dst = appendBinaryHeader(dst, code, opaque, fields)
	} else {
		dst = appendJSONHeader(dst, code, opaque, fields)
	}
	header := len(dst) - start - 8
	dst = append(dst, body...)
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start-4))
	binary.BigEndian.PutUint32(dst[start+4:], uint32(c)<<24|uint32(header))
	return dst
}

// binaryOpaqueAt is where a frame with a binary header has its opaque: after lengths, code, language and version.
const binaryOpaqueAt = 8 + 2 + 1 + 2

func appendBinaryHeader(dst []byte, code int, opaque int32, fields []field) []byte {
	be := binary.BigEndian
	dst = be.AppendUint16(dst, uint16(code))
	dst = append(dst, 0) // language: Java
	dst = be.AppendUint16(dst, protocolVersion)
	dst = be.AppendUint32(dst, uint32(opaque))
	dst = be.AppendUint32(dst, 0) // flag: a request that wants an answer
	dst = be.AppendUint32(dst, 0) // no remark
	lenAt := len(dst)
	dst = be.AppendUint32(dst, 0)
	for _, f := range fields {
		dst = be.AppendUint16(dst, uint16(len(f.key)))
		dst = append(dst, f.key...)
		dst = be.AppendUint32(dst, uint32(len(f.value)))
		dst = append(dst, f.value...)
	}
	be.PutUint32(dst[lenAt:], uint32(len(dst)-lenAt-4))
	return dst
}

func appendJSONHeader(dst []byte, code int, opaque int32, fields []field) []byte {
	dst = append(dst, `{"code":`...)
	dst = strconv.AppendInt(dst, int64(code), 10)
	dst = append(dst, `,"extFields":{`...)
	for i, f := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendJSONString(dst, f.key)
		dst = append(dst, ':')
		dst = appendJSONString(dst, f.value)
	}
	dst = append(dst, `},"flag":0,"language":"JAVA","opaque":`...)
	dst = strconv.AppendInt(dst, int64(opaque), 10)
	return append(dst, `,"serializeTypeCurrentRPC":"JSON","version":479}`...)
}

// appendJSONString quotes s. The separators of properties are control characters, so they must be escaped.
func appendJSONString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := range len(s) {
		switch b := s[i]; {
		case b == '"' || b == '\\':
			dst = append(dst, '\\', b)
		case b < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[b>>4], hex[b&15])
		default:
			dst = append(dst, b)
		}
	}
	return append(dst, '"')
}

// putDecimal writes v into dst, right-aligned and as wide as dst.
func putDecimal(dst []byte, v int64) {
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = byte('0' + v%10)
		v /= 10
	}
}

// putHex writes the low digits of v into dst, as wide as dst, in upper case like the unique keys of Java clients.
func putHex(dst []byte, v uint64) {
	const hex = "0123456789ABCDEF"
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = hex[v&15]
		v >>= 4
	}
}
