package wire

import (
	"encoding/binary"
	"fmt"
)

// binaryFixed is the part of a binary header before the texts: code i16,
// language i8, version i16, opaque i32, flag i32, remark length i32, and the
// length of the ext fields i32 behind the remark.
const binaryFixed = 21

func (c *Command) decodeBinary(b []byte) error {
	if len(b) < binaryFixed {
		return errTruncated
	}
	c.Code = int32(int16(binary.BigEndian.Uint16(b)))
	c.Language = Language(b[2])
	c.Version = int32(int16(binary.BigEndian.Uint16(b[3:])))
	c.Opaque = int32(binary.BigEndian.Uint32(b[5:]))
	c.Flag = int32(binary.BigEndian.Uint32(b[9:]))
	remark, b, err := cut32(b[13:])
	if err != nil {
		return fmt.Errorf("remark: %w", err)
	}
	c.Remark = string(remark)
	ext, _, err := cut32(b)
	if err != nil {
		return fmt.Errorf("ext fields: %w", err)
	}
	for len(ext) > 0 {
		var f Field
		if f.Key, ext, err = cut16(ext); err != nil {
			return fmt.Errorf("key of ext field %d: %w", len(c.Ext), err)
		}
		if f.Value, ext, err = cut32(ext); err != nil {
			return fmt.Errorf("value of ext field %d: %w", len(c.Ext), err)
		}
		if len(c.Ext) == MaxFields {
			return errTooManyFields
		}
		c.Ext = append(c.Ext, f)
	}
	return nil
}

// cut32 cuts a text with a length of 32 bits off b. Zero length is null upstream.
func cut32(b []byte) (text, rest []byte, err error) {
	if len(b) < 4 {
		return nil, nil, errTruncated
	}
	n := binary.BigEndian.Uint32(b)
	if uint64(n) > uint64(len(b)-4) {
		return nil, nil, errTruncated
	}
	return b[4 : 4+n : 4+n], b[4+n:], nil
}

func cut16(b []byte) (text, rest []byte, err error) {
	if len(b) < 2 {
		return nil, nil, errTruncated
	}
	n := int(binary.BigEndian.Uint16(b))
	if n > len(b)-2 {
		return nil, nil, errTruncated
	}
	return b[2 : 2+n : 2+n], b[2+n:], nil
}
