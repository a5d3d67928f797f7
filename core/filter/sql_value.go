package filter

import (
	"bytes"
	"cmp"
	"math"
)

// kind is what a value is. The kinds of numbers are Java's: a text that is compared
// with one is read as that kind, and "5.0" is no int.
type kind uint8

const (
	kindNull kind = iota
	kindFailed
	kindBoolean
	kindText
	kindInt
	kindLong
	kindDouble
)

func (k kind) number() bool { return k >= kindInt }

// value is what an operand has for one message.
type value struct {
	kind kind
	// bits: an integer, the bits of a double, or 1 for true.
	bits int64
	text []byte
}

func textValue(s string) value { return value{kind: kindText, text: []byte(s)} }

func truthValue(yes bool) value {
	if yes {
		return value{kind: kindBoolean, bits: 1}
	}
	return value{kind: kindBoolean}
}

func doubleValue(f float64) value {
	return value{kind: kindDouble, bits: int64(math.Float64bits(f))}
}

// double returns a number as a double.
func (v value) double() float64 {
	if v.kind == kindDouble {
		return math.Float64frombits(uint64(v.bits))
	}
	return float64(v.bits)
}

// negated returns minus the number.
func (v value) negated() value {
	if v.kind == kindDouble {
		return doubleValue(-v.double())
	}
	v.bits = -v.bits
	return v
}

// truth is the answer of a condition.
type truth uint8

const (
	unknown truth = iota
	no
	yes
	// failed: something could not be compared. Upstream gives up the whole
	// expression then, whatever the rest of it says, and so the message.
	failed
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// not returns the opposite; unknown and failed stay.
func (t truth) not() truth {
	switch t {
	case yes:
		return no
	case no:
		return yes
	default:
		return t
	}
}

// value returns the answer as an operand.
func (t truth) value() value {
	switch t {
	case unknown:
		return value{}
	case failed:
		return value{kind: kindFailed}
	default:
		return truthValue(t == yes)
	}
}

// truth returns TRUE, FALSE or NULL as an answer.
func (v value) truth() truth {
	if v.kind == kindNull {
		return unknown
	}
	return truthOf(v.bits == 1)
}

// equal compares two values by =. Of two nulls it says yes, of one on the left
// unknown, of one on the right no. That is upstream's way, and so is that TRUE on
// the left of a text fails, while on its right it is compared.
func equal(l, r value) truth {
	switch {
	case l.kind == kindNull && r.kind == kindNull:
		return yes
	case l.kind == kindNull:
		return unknown
	case r.kind == kindNull:
		return no
	case l.kind == kindText && r.kind == kindText:
		return truthOf(bytes.Equal(l.text, r.text))
	case l.kind == kindBoolean && r.kind == kindText:
		return failed
	case l.kind == kindText && r.kind == kindBoolean:
		return truthOf(isTrue(l.text) == (r.bits == 1))
	case l.kind == kindBoolean || r.kind == kindBoolean:
		return truthOf(l.kind == r.kind && l.bits == r.bits)
	}
	order, ok := compare(l, r)
	if !ok {
		return failed
	}
	return truthOf(order == 0)
}

// isTrue is Java's Boolean.valueOf.
func isTrue(text []byte) bool {
	return len(text) == len("true") && bytes.EqualFold(text, []byte("true"))
}

// compare puts two numbers in order, or a number and a text that is read as its
// kind, or two texts that are read as doubles. It is not ok if a text cannot be.
func compare(l, r value) (order int, ok bool) {
	switch {
	case l.kind == kindText && r.kind == kindText:
		l, ok = parseAs(kindDouble, l.text)
		if !ok {
			return 0, false
		}
		r, ok = parseAs(kindDouble, r.text)
	case l.kind == kindText:
		l, ok = parseAs(r.kind, l.text)
	case r.kind == kindText:
		r, ok = parseAs(l.kind, r.text)
	default:
		ok = true
	}
	if !ok {
		return 0, false
	}
	if l.kind == kindDouble || r.kind == kindDouble {
		return compareDoubles(l.double(), r.double()), true
	}
	return cmp.Compare(l.bits, r.bits), true
}

// compareDoubles is Java's Double.compare: -0.0 is below 0.0, and NaN above all
// and equal to itself.
func compareDoubles(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	case a == b && math.Signbit(a) == math.Signbit(b):
		return 0
	case a == b && math.Signbit(a):
		return -1
	case a == b:
		return 1
	}
	return nanRank(a) - nanRank(b)
}

func nanRank(f float64) int {
	if math.IsNaN(f) {
		return 1
	}
	return 0
}
