package filter

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What the text of a property is as a number follows Java's Integer.valueOf,
// Long.valueOf and Double.valueOf.

// parseAs reads a text as a number of that kind.
func parseAs(k kind, text []byte) (value, bool) {
	if len(text) > maxNumber {
		return value{}, false
	}
	switch k {
	case kindInt:
		n, ok := parseInteger(text)
		return value{kind: kindInt, bits: n}, ok && n == int64(int32(n))
	case kindLong:
		n, ok := parseInteger(text)
		return value{kind: kindLong, bits: n}, ok
	case kindDouble:
		f, ok := parseDouble(text)
		return doubleValue(f), ok
	}
	return value{}, false
}

// parseInteger reads an integer with or without a sign. Its digits may be those of
// any script, as Java has it.
func parseInteger(text []byte) (int64, bool) {
	negative := false
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		negative = text[0] == '-'
		text = text[1:]
	}
	if len(text) == 0 {
		return 0, false
	}
	n := int64(0) // minus the number: there is one more negative than positive
	for len(text) > 0 {
		d, size := int64(text[0])-'0', 1
		if text[0] >= utf8.RuneSelf {
			d, size = foreignDigit(text)
		}
		if d < 0 || d > 9 || n < (math.MinInt64+d)/10 {
			return 0, false
		}
		n = n*10 - d
		text = text[size:]
	}
	if negative {
		return n, true
	}
	return -n, n != math.MinInt64
}

// foreignDigit returns the value of the digit that text begins with, or -1. Java
// looks at one UTF-16 unit, so digits beyond the first plane are none to it. In
// that plane the digits of a script stand ten in a row.
func foreignDigit(text []byte) (int64, int) {
	r, size := utf8.DecodeRune(text)
	for _, script := range unicode.Nd.R16 {
		if r >= rune(script.Lo) && r <= rune(script.Hi) {
			return int64(r-rune(script.Lo)) % 10, size
		}
	}
	return -1, size
}

// parseDouble reads a decimal or hexadecimal number, Infinity or NaN, with white
// space around it and one of fFdD at its end. What is too large is infinite.
func parseDouble(text []byte) (float64, bool) {
	for len(text) > 0 && text[0] <= ' ' {
		text = text[1:]
	}
	for len(text) > 0 && text[len(text)-1] <= ' ' {
		text = text[:len(text)-1]
	}
	negative := false
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		negative = text[0] == '-'
		text = text[1:]
	}
	f, ok := parseUnsigned(text)
	if negative {
		f = -f
	}
	return f, ok
}

func parseUnsigned(text []byte) (float64, bool) {
	switch string(text) {
	case "NaN":
		return math.NaN(), true
	case "Infinity":
		return math.Inf(1), true
	}
	n := doubleLength(text)
	suffix := text[n:]
	if n == 0 || len(suffix) > 1 || len(suffix) == 1 && strings.IndexByte("fFdD", suffix[0]) < 0 {
		return 0, false
	}
	f, _ := strconv.ParseFloat(string(text[:n]), 64) // an error means infinity
	return f, true
}

// doubleLength returns the length of the number that text begins with. One in
// hexadecimal needs an exponent.
func doubleLength(text []byte) int {
	if len(text) < 2 || text[0] != '0' || text[1]|0x20 != 'x' {
		n := mantissa(text, isDigit)
		if n == 0 {
			return 0
		}
		return n + exponent(text[n:], 'e')
	}
	n := mantissa(text[2:], isHexDigit)
	if n == 0 {
		return 0
	}
	e := exponent(text[2+n:], 'p')
	if e == 0 {
		return 0
	}
	return 2 + n + e
}

// parseWhole reads an integer literal: an int if it is small enough, else a long.
func parseWhole(literal string) (value, bool) {
	n, err := strconv.ParseInt(strings.TrimRight(literal, "lL"), 10, 64)
	if n == int64(int32(n)) {
		return value{kind: kindInt, bits: n}, err == nil
	}
	return value{kind: kindLong, bits: n}, err == nil
}

// parseFraction reads a literal with a dot or an exponent. Upstream refuses zero:
// it is less than the smallest double it allows.
func parseFraction(literal string) (value, bool) {
	f, err := strconv.ParseFloat(literal, 64)
	return doubleValue(f), err == nil && f > 0
}

// mantissa returns the length of the digits that s begins with, with a dot before,
// in or after them.
func mantissa[T string | []byte](s T, digit func(byte) bool) int {
	whole := count(s, digit)
	if whole == len(s) || s[whole] != '.' {
		return whole
	}
	fraction := count(s[whole+1:], digit)
	if whole+fraction == 0 {
		return 0
	}
	return whole + 1 + fraction
}

// exponent returns the length of the exponent that s begins with, 0 if it has none.
func exponent[T string | []byte](s T, mark byte) int {
	if len(s) == 0 || s[0]|0x20 != mark {
		return 0
	}
	n := 1
	if n < len(s) && (s[n] == '+' || s[n] == '-') {
		n++
	}
	if digits := count(s[n:], isDigit); digits > 0 {
		return n + digits
	}
	return 0
}

// count returns how many digits s begins with.
func count[T string | []byte](s T, digit func(byte) bool) int {
	n := 0
	for n < len(s) && digit(s[n]) {
		n++
	}
	return n
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHexDigit(c byte) bool {
	return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f'
}
