package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// Flag bits of a command.
const (
	FlagResponse int32 = 1 << 0
	FlagOneway   int32 = 1 << 1
)

// Command is a request or a response. Decoded ones alias the frame.
type Command struct {
	Serialization Serialization
	// Code is a RequestCode or a ResponseCode, by FlagResponse.
	Code     int32
	Language Language
	Version  int32
	Opaque   int32 // chosen by who asks, echoed by who answers; wraps into the negative
	Flag     int32
	Remark   string
	Ext      Fields
	Body     []byte
}

// IsResponse reports whether the command answers another.
func (c *Command) IsResponse() bool { return c.Flag&FlagResponse != 0 }

// IsOneway reports whether nobody waits for an answer.
func (c *Command) IsOneway() bool { return c.Flag&FlagOneway != 0 }

// Field is an ext field: a value in its text form, whatever JSON type it came as.
type Field struct{ Key, Value []byte }

// Fields are a command's ext fields, in the order in which they came.
type Fields []Field

// Get returns the value of a field. A null counts as absent.
func (f Fields) Get(key string) ([]byte, bool) {
	for i := range f {
		if string(f[i].Key) == key {
			return f[i].Value, true
		}
	}
	return nil, false
}

// Text returns the value of a field, empty if it is absent.
func (f Fields) Text(key string) string {
	v, _ := f.Get(key)
	return string(v)
}

// Add appends a field.
func (f *Fields) Add(key, value string) {
	*f = append(*f, Field{Key: []byte(key), Value: []byte(value)})
}

// Decode decodes a whole frame, as FrameSize measured it. It keeps the capacity
// of c.Ext. The command aliases the frame, whose JSON strings are unescaped in place.
func (c *Command) Decode(frame []byte) error {
	*c = Command{Ext: c.Ext[:0]}
	s, header, body, err := splitFrame(frame)
	if err != nil {
		return err
	}
	c.Serialization, c.Body = s, body
	if len(header) > MaxHeader {
		return fmt.Errorf("header of %d bytes: at most %d are allowed", len(header), MaxHeader)
	}
	switch s {
	case JSON:
		return c.decodeJSON(header)
	case Binary:
		return c.decodeBinary(header)
	}
	return fmt.Errorf("serialization %d: only 0 (JSON) and 1 (ROCKETMQ) are known", s)
}

// Opaque finds the opaque of a frame whose header could not be decoded, so that
// the error can be answered.
func Opaque(frame []byte) (int32, bool) {
	s, header, _, err := splitFrame(frame)
	if err != nil {
		return 0, false
	}
	if s == Binary {
		if len(header) < binaryFixed {
			return 0, false
		}
		return int32(binary.BigEndian.Uint32(header[5:])), true
	}
	_, rest, ok := bytes.Cut(header, []byte(`"opaque"`))
	if !ok {
		return 0, false
	}
	r := jsonReader{b: rest}
	r.expect(':')
	n, ok := parseInt(r.bare(), 32)
	return int32(n), ok && r.err == nil
}

// AppendTo appends the command as a frame.
func (c *Command) AppendTo(b []byte) []byte {
	w := Begin(b, Head{
		Serialization: c.Serialization, Code: c.Code, Language: c.Language,
		Version: c.Version, Opaque: c.Opaque, Flag: c.Flag, Remark: c.Remark,
	})
	for _, f := range c.Ext {
		w.bytes(f.Key, f.Value)
	}
	w.Body(c.Body)
	return w.End()
}

var errTruncated = errors.New("header ends early")

// NewRequest returns a request with ext fields: keys and values in turn.
func NewRequest(code RequestCode, keysAndValues ...string) *Command {
	c := &Command{Code: int32(code)}
	for i := 0; i+1 < len(keysAndValues); i += 2 {
		c.Ext.Add(keysAndValues[i], keysAndValues[i+1])
	}
	return c
}
