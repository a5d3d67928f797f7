package wire

import (
	"fmt"
	"math/bits"
)

// FieldError says which ext field of a request cannot be used, and why.
type FieldError struct {
	Field   string
	Missing bool
	Value   string // where it is malformed
	Want    string
}

func (e *FieldError) Error() string {
	if e.Missing {
		return fmt.Sprintf("the field %s is missing", e.Field)
	}
	return fmt.Sprintf("the field %s is %q, not %s", e.Field, e.Value, e.Want)
}

// decoder turns ext fields into one kind of request. Fields are numbered by the
// index of their name. The first error sticks. An empty number counts as absent,
// as null does in the binary header.
type decoder struct {
	names []string
	seen  uint32
	err   error
}

func (d *decoder) text(id int, v []byte) []byte {
	d.seen |= 1 << id
	return v
}

func (d *decoder) number(id int, v []byte, size int, want string) int64 {
	if len(v) == 0 {
		return 0
	}
	n, ok := parseInt(v, size)
	if !ok {
		d.malformed(id, v, want)
	}
	d.seen |= 1 << id
	return n
}

func (d *decoder) int32(id int, v []byte) int32 {
	return int32(d.number(id, v, 32, "a number of 32 bits"))
}

func (d *decoder) int64(id int, v []byte) int64 {
	return d.number(id, v, 64, "a number of 64 bits")
}

func (d *decoder) bool(id int, v []byte) bool {
	b, ok := parseBool(v)
	if !ok {
		d.malformed(id, v, "true or false")
	}
	d.seen |= 1 << id
	return b
}

func (d *decoder) malformed(id int, v []byte, want string) {
	if d.err == nil {
		d.err = &FieldError{Field: d.names[id], Value: string(v[:min(len(v), 64)]), Want: want}
	}
}

// finish returns the first malformed field, or else the first missing one.
func (d *decoder) finish(mandatory uint32) error {
	if d.err != nil {
		return d.err
	}
	if missing := mandatory &^ d.seen; missing != 0 {
		return &FieldError{Field: d.names[bits.TrailingZeros32(missing)], Missing: true}
	}
	return nil
}

// Args reads the ext fields of a request that is not hot, by name. The first
// error sticks.
type Args struct {
	ext Fields
	err error
}

// NewArgs returns a reader of ext fields.
func NewArgs(ext Fields) *Args { return &Args{ext: ext} }

// Err returns the first field that is missing or malformed.
func (a *Args) Err() error { return a.err }

// Text returns a mandatory text.
func (a *Args) Text(name string) string {
	v, ok := a.ext.Get(name)
	if !ok {
		a.fail(&FieldError{Field: name, Missing: true})
	}
	return string(v)
}

// Optional returns a text that may be absent.
func (a *Args) Optional(name string) string { return a.ext.Text(name) }

// Int32 returns a mandatory number.
func (a *Args) Int32(name string) int32 { return int32(a.number(name, 32)) }

// Int64 returns a mandatory number.
func (a *Args) Int64(name string) int64 { return a.number(name, 64) }

func (a *Args) number(name string, size int) int64 {
	v, _ := a.ext.Get(name)
	if len(v) == 0 {
		a.fail(&FieldError{Field: name, Missing: true})
		return 0
	}
	n, ok := parseInt(v, size)
	if !ok {
		a.fail(&FieldError{Field: name, Value: string(v[:min(len(v), 64)]), Want: fmt.Sprintf("a number of %d bits", size)})
	}
	return n
}

// Int32Or returns a number, or what holds where it is absent.
func (a *Args) Int32Or(name string, absent int32) int32 {
	if v, _ := a.ext.Get(name); len(v) == 0 {
		return absent
	}
	return a.Int32(name)
}

// Bool returns a boolean; absent is false.
func (a *Args) Bool(name string) bool {
	v, _ := a.ext.Get(name)
	b, ok := parseBool(v)
	if !ok {
		a.fail(&FieldError{Field: name, Value: string(v[:min(len(v), 64)]), Want: "true or false"})
	}
	return b
}

func (a *Args) fail(err error) {
	if a.err == nil {
		a.err = err
	}
}
