package rawclient

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
)

// Message is one message of a pull's body.
type Message struct {
	Queue    int32
	Offset   int64
	Physical int64
	Body     []byte
}

// fixed parts of the layout, with IPv4 hosts: everything before the body's length, and where some of it stands.
const (
	magicV1, magicV2 = 0xDAA320A7, 0xDAA320AB

	atMagic, atQueue, atOffset, atPhysical, atSysFlag = 4, 12, 20, 28, 36
	beforeBody                                        = 84
	bornV6, storeV6                                   = 0x10, 0x20
	extraV6                                           = 12
)

func decodeMessages(b []byte) ([]Message, error) {
	var all []Message
	for len(b) > 0 {
		if len(b) < beforeBody+4 {
			return nil, fmt.Errorf("message of %d bytes", len(b))
		}
		size := int(binary.BigEndian.Uint32(b))
		if size < beforeBody+4 || size > len(b) {
			return nil, fmt.Errorf("message says %d bytes, %d are there", size, len(b))
		}
		m, err := decodeMessage(b[:size])
		if err != nil {
			return nil, err
		}
		all = append(all, m)
		b = b[size:]
	}
	return all, nil
}

func decodeMessage(b []byte) (Message, error) {
	if magic := binary.BigEndian.Uint32(b[atMagic:]); magic != magicV1 && magic != magicV2 {
		return Message{}, fmt.Errorf("message magic %#x", magic)
	}
	at := beforeBody
	sysFlag := binary.BigEndian.Uint32(b[atSysFlag:])
	if sysFlag&bornV6 != 0 {
		at += extraV6
	}
	if sysFlag&storeV6 != 0 {
		at += extraV6
	}
	if at+4 > len(b) {
		return Message{}, fmt.Errorf("message of %d bytes ends before its body", len(b))
	}
	size := int(binary.BigEndian.Uint32(b[at:]))
	if size > len(b)-at-4 {
		return Message{}, fmt.Errorf("body of %d bytes in a message of %d", size, len(b))
	}
	return Message{
		Queue:    int32(binary.BigEndian.Uint32(b[atQueue:])),
		Offset:   int64(binary.BigEndian.Uint64(b[atOffset:])),
		Physical: int64(binary.BigEndian.Uint64(b[atPhysical:])),
		Body:     b[at+4 : at+4+size],
	}, nil
}

// DecodeOffsetMsgID splits the id that a broker gives a message into the broker's address and the physical offset.
func DecodeOffsetMsgID(id string) (netip.AddrPort, int64, error) {
	b, err := hex.DecodeString(id)
	if err != nil {
		return netip.AddrPort{}, 0, err
	}
	if len(b) != 16 && len(b) != 28 {
		return netip.AddrPort{}, 0, fmt.Errorf("offset message id %q has %d bytes", id, len(b))
	}
	ip, _ := netip.AddrFromSlice(b[:len(b)-12])
	port := binary.BigEndian.Uint32(b[len(b)-12:])
	return netip.AddrPortFrom(ip, uint16(port)), int64(binary.BigEndian.Uint64(b[len(b)-8:])), nil
}
