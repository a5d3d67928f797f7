package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

const (
	keyDigits  = 32 // a unique key: hexadecimal, as long as one of an IPv4 client
	keyCounter = 8  // its last digits count, so that no two messages of a run have the same key

	stampMark = "gantry@"              // a stamped body begins with it
	stampSize = len(stampMark) + 1 + 8 // mark, blank, and nanoseconds of the run's clock
)

// template is one encoded request, and where the bytes are that differ between two uses of it.
type template struct {
	frame    []byte
	codec    codec
	opaqueAt int
	keysAt   []int // the counter digits of each unique key
	stampAt  int   // the nanoseconds in the body, or -1
}

// append copies the request to dst with this opaque, fresh keys from *key, and stamp in its body if it has room for
// one.
func (t *template) append(dst []byte, opaque int32, key *uint64, stamp time.Duration) []byte {
	at := len(dst)
	dst = append(dst, t.frame...)
	frame := dst[at:]
	if t.codec == codecBinary {
		binary.BigEndian.PutUint32(frame[t.opaqueAt:], uint32(opaque))
	} else {
		putDecimal(frame[t.opaqueAt:t.opaqueAt+10], int64(opaque))
	}
	for _, k := range t.keysAt {
		putHex(frame[k:k+keyCounter], *key)
		*key++
	}
	if t.stampAt >= 0 {
		binary.BigEndian.PutUint64(frame[t.stampAt:], uint64(stamp))
	}
	return dst
}

// newTemplate encodes a send of messages equal messages (310 for one, 320 for more) to one queue.
func newTemplate(o *options, rt route, queue int) template {
	key := newKey()
	properties := "UNIQ_KEY\x01" + key + "\x02WAIT\x01true\x02"
	code, body := codeSend, newBody(o.size, o.stamped)
	if o.batch > 1 {
		code, body = codeSendBatch, appendBatch(nil, o.batch, body, "UNIQ_KEY\x01"+key+"\x02")
	}
	frame := appendFrame(nil, o.codec, code, opaqueBase, sendFields(o, rt, queue, properties), body)

	t := template{frame: frame, codec: o.codec, opaqueAt: binaryOpaqueAt, stampAt: -1}
	if o.codec == codecJSON {
		const name = `"opaque":`
		t.opaqueAt = bytes.Index(frame, []byte(name)) + len(name)
	}
	for at := 0; ; {
		i := bytes.Index(frame[at:], []byte(key))
		if i < 0 {
			break
		}
		at += i + keyDigits
		t.keysAt = append(t.keysAt, at-keyCounter)
	}
	if i := bytes.Index(frame, []byte(stampMark)); i >= 0 {
		t.stampAt = i + stampSize - 8
	}
	return t
}

// sendFields is the header of 310 and 320. The one-letter names are the protocol's.
func sendFields(o *options, rt route, queue int, properties string) []field {
	return []field{
		{"a", "bench_producer"},
		{"b", o.topic},
		{"c", "TBW102"}, // the topic whose settings an unknown topic would inherit
		{"d", strconv.Itoa(o.queues)},
		{"e", strconv.Itoa(queue)},
		{"f", "0"},
		{"g", strconv.FormatInt(time.Now().UnixMilli(), 10)},
		{"h", "0"},
		{"i", properties},
		{"j", "0"},
		{"k", "false"},
		{"m", strconv.FormatBool(o.batch > 1)},
		{"n", rt.broker},
	}
}

// appendBatch appends the body of 320: n messages, each with its size in front.
func appendBatch(dst []byte, n int, body []byte, properties string) []byte {
	be := binary.BigEndian
	for range n {
		dst = be.AppendUint32(dst, uint32(4+4+4+4+4+len(body)+2+len(properties)))
		dst = be.AppendUint32(dst, 0) // magic, crc and flag: the server fills or ignores them
		dst = be.AppendUint32(dst, 0)
		dst = be.AppendUint32(dst, 0)
		dst = be.AppendUint32(dst, uint32(len(body)))
		dst = append(dst, body...)
		dst = be.AppendUint16(dst, uint16(len(properties)))
		dst = append(dst, properties...)
	}
	return dst
}

// newKey makes a unique key whose counter digits are all zero.
func newKey() string {
	return fmt.Sprintf("%016X%08X", rand.Uint64(), rand.Uint32()) + strings.Repeat("0", keyCounter)
}

// newBody is size letters and digits, as the official benchmark sends them; a stamped one begins with the mark and room
// for the time.
func newBody(size int, stamped bool) []byte {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	body := make([]byte, size)
	for i := range body {
		body[i] = letters[rand.IntN(len(letters))]
	}
	if stamped {
		copy(body, stampMark+" ")
		clear(body[stampSize-8 : stampSize])
	}
	return body
}

// stampOf reads the time out of a stamped body.
func stampOf(body []byte) (time.Duration, bool) {
	if len(body) < stampSize || string(body[:len(stampMark)]) != stampMark {
		return 0, false
	}
	return time.Duration(binary.BigEndian.Uint64(body[stampSize-8:])), true
}

// pullFields is the header of 11. The subscription is in the request, so that no heartbeat has to come first.
func pullFields(topic, broker string, queue int, offset int64, suspend time.Duration) []field {
	const withSuspend, withSubscription = 2, 4
	flags := withSubscription
	if suspend > 0 {
		flags |= withSuspend
	}
	return []field{
		{"consumerGroup", "bench_consumer"},
		{"topic", topic},
		{"queueId", strconv.Itoa(queue)},
		{"queueOffset", strconv.FormatInt(offset, 10)},
		{"maxMsgNums", strconv.Itoa(pullMax)},
		{"sysFlag", strconv.Itoa(flags)},
		{"commitOffset", "0"},
		{"suspendTimeoutMillis", strconv.FormatInt(suspend.Milliseconds(), 10)},
		{"subscription", "*"},
		{"subVersion", "0"},
		{"expressionType", "TAG"},
		{"bname", broker},
	}
}

// pullMax is how many messages a pull asks for: what the official push consumers ask for.
const pullMax = 32
