package sim

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
)

// received is a message as a client reads it out of an answer: RocketMQ's layout,
// decoded here anew, so that the judge does not trust the engine's own decoder.
type received struct {
	queue           int32
	offset, address int64
	flag, sysFlag   int32
	born, stored    int64
	bornHost        []byte
	reconsume       int32
	prepared        int64
	body            []byte
	topic           string
	properties      string
}

var errShort = errors.New("the bytes end within a message")

// receive decodes the messages of an answer.
func receive(b []byte) ([]received, error) {
	var all []received
	for len(b) > 0 {
		if len(b) < 91 || int(binary.BigEndian.Uint32(b)) > len(b) {
			return nil, errShort
		}
		n := int(binary.BigEndian.Uint32(b))
		m, err := receiveOne(b[:n])
		if err != nil {
			return nil, err
		}
		all = append(all, m)
		b = b[n:]
	}
	return all, nil
}

func receiveOne(b []byte) (m received, err error) {
	be := binary.BigEndian
	magic := int32(be.Uint32(b[4:]))
	crc := be.Uint32(b[8:])
	m.queue, m.flag = int32(be.Uint32(b[12:])), int32(be.Uint32(b[16:]))
	m.offset, m.address = int64(be.Uint64(b[20:])), int64(be.Uint64(b[28:]))
	m.sysFlag, m.born = int32(be.Uint32(b[36:])), int64(be.Uint64(b[40:]))
	host := 8
	if m.sysFlag&0x10 != 0 {
		host = 20
	}
	m.bornHost = b[48 : 48+host]
	b = b[48+host:]
	m.stored, m.reconsume = int64(be.Uint64(b)), int32(be.Uint32(b[16:]))
	m.prepared = int64(be.Uint64(b[20:]))
	n := int(be.Uint32(b[28:]))
	if b = b[32:]; len(b) < n+3 {
		return m, errShort
	}
	m.body, b = b[:n], b[n:]
	if crc32.ChecksumIEEE(m.body)&0x7fffffff != crc {
		return m, errors.New("the body's checksum is wrong")
	}
	n = int(b[0])
	b = b[1:]
	switch magic {
	case -626843481:
	case -626843477:
		n, b = n<<8|int(b[0]), b[1:]
	default:
		return m, fmt.Errorf("magic number %d", magic)
	}
	if len(b) < n+2 {
		return m, errShort
	}
	m.topic, b = string(b[:n]), b[n:]
	m.properties = string(b[2:])
	if int(be.Uint16(b)) != len(m.properties) {
		return m, errShort
	}
	return m, nil
}

// property returns the value of a property, "" if there is none.
func (m *received) property(name string) string {
	for p := range strings.SplitSeq(m.properties, "\x02") {
		if key, value, ok := strings.Cut(p, "\x01"); ok && key == name {
			return value
		}
	}
	return ""
}
