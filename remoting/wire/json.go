package wire

import (
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds the nesting of JSON from clients.
const maxDepth = 64

var (
	errTooManyFields = fmt.Errorf("more than %d ext fields", MaxFields)
	errTooDeep       = fmt.Errorf("JSON nested deeper than %d", maxDepth)
	errUnterminated  = errors.New("JSON string without an end")
	errEscape        = errors.New("JSON string with a bad escape")
)

// decodeJSON reads a header as clients of every language write it: ext values
// may be numbers, booleans or null (C++), the language a name or an ordinal,
// unknown fields and blanks are skipped.
func (c *Command) decodeJSON(b []byte) error {
	r := jsonReader{b: b}
	for key, ok := r.open(); ok; key, ok = r.next() {
		switch string(key) {
		case "code":
			c.Code = r.int32("code")
		case "opaque":
			c.Opaque = r.int32("opaque")
		case "flag":
			c.Flag = r.int32("flag")
		case "version":
			c.Version = r.int32("version")
		case "language":
			c.Language = parseLanguage(r.scalar())
		case "remark":
			c.Remark = string(r.scalar())
		case "extFields":
			c.Ext = r.fields(c.Ext)
		default:
			r.skip(0)
		}
	}
	return r.err
}

// jsonReader is a cursor over JSON text with a sticky error: after one the text
// is at its end, every call returns zero values, and open and next say so.
type jsonReader struct {
	b   []byte
	i   int
	err error
}

// open enters an object and returns its first key.
func (r *jsonReader) open() (key []byte, ok bool) {
	r.expect('{')
	if r.peek() == '}' {
		r.i++
		return nil, false
	}
	return r.key()
}

// next goes to the next key of an object, or leaves it.
func (r *jsonReader) next() (key []byte, ok bool) {
	switch r.peek() {
	case ',':
		r.i++
		return r.key()
	case '}':
		r.i++
		return nil, false
	}
	r.missing("a comma or the end of an object")
	return nil, false
}

func (r *jsonReader) key() ([]byte, bool) {
	if r.peek() != '"' {
		r.missing("a key in quotes")
		return nil, false
	}
	key := r.str()
	r.expect(':')
	return key, r.err == nil
}

// peek skips blanks and returns the byte behind them, 0 at the end.
func (r *jsonReader) peek() byte {
	if r.i < len(r.b) && r.b[r.i] > ' ' {
		return r.b[r.i]
	}
	return r.peekBlank()
}

func (r *jsonReader) peekBlank() byte {
	for r.i < len(r.b) {
		switch c := r.b[r.i]; c {
		case ' ', '\t', '\n', '\r':
			r.i++
		default:
			return c
		}
	}
	return 0
}

func (r *jsonReader) expect(c byte) {
	if r.peek() != c {
		r.missing("'" + string(rune(c)) + "'")
		return
	}
	r.i++
}

func (r *jsonReader) missing(what string) {
	r.fail(fmt.Errorf("JSON header: %s is missing at byte %d", what, r.i))
}

func (r *jsonReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.b, r.i = nil, 0
}

// fields reads the object of ext fields, or null.
func (r *jsonReader) fields(f Fields) Fields {
	if r.peek() == 'n' {
		r.bare()
		return f
	}
	for key, ok := r.open(); ok; key, ok = r.next() {
		var value []byte
		switch r.peek() {
		case '"':
			value = r.str()
		case 'n':
			r.bare()
			continue
		case '{', '[':
			r.skip(0)
			continue
		default:
			value = r.bare()
		}
		if len(f) == MaxFields {
			r.fail(errTooManyFields)
			return f
		}
		f = append(f, Field{Key: key, Value: value})
		f = r.plainFields(f)
	}
	return f
}

// plainFields reads on while fields have the form that almost all have, and the
// cursor is behind one: a comma, a key and a value in quotes, neither with blanks
// around it nor with escapes in it.
func (r *jsonReader) plainFields(f Fields) Fields {
	b := r.b
	for i := r.i; i+1 < len(b) && b[i] == ',' && b[i+1] == '"' && len(f) < MaxFields; r.i = i {
		key := i + 2
		colon := key
		for colon < len(b) && b[colon] != '"' && b[colon] != '\\' {
			colon++
		}
		if colon+2 >= len(b) || b[colon] != '"' || b[colon+1] != ':' || b[colon+2] != '"' {
			break
		}
		value := colon + 3
		end := value
		for end < len(b) && b[end] != '"' && b[end] != '\\' {
			end++
		}
		if end == len(b) || b[end] != '"' {
			break
		}
		f = append(f, Field{Key: b[key:colon:colon], Value: b[value:end:end]})
		i = end + 1
	}
	return f
}

// scalar reads a string, or the text of a number or of a literal.
func (r *jsonReader) scalar() []byte {
	switch r.peek() {
	case '"':
		return r.str()
	case '{', '[':
		r.missing("a plain value")
		return nil
	}
	return r.bare()
}

// bare reads the text of a number, true, false or null.
func (r *jsonReader) bare() []byte {
	r.peek()
	b, start := r.b, r.i
	i := start
	for i < len(b) && !endsBare[b[i]] {
		i++
	}
	if i == start {
		r.missing("a value")
		return nil
	}
	r.i = i
	return b[start:i:i]
}

var endsBare = [256]bool{
	',': true, '}': true, ']': true, ':': true, '"': true, '{': true, '[': true,
	' ': true, '\t': true, '\n': true, '\r': true,
}

func (r *jsonReader) int32(name string) int32 {
	v := r.scalar()
	n, ok := parseInt(v, 32)
	if !ok {
		r.fail(fmt.Errorf("JSON header: %s is %.40q, not a number of 32 bits", name, v))
	}
	return int32(n)
}

// skip passes over any value.
func (r *jsonReader) skip(depth int) {
	if depth > maxDepth {
		r.fail(errTooDeep)
		return
	}
	switch r.peek() {
	case '{':
		for _, ok := r.open(); ok; _, ok = r.next() {
			r.skip(depth + 1)
		}
	case '[':
		r.skipArray(depth)
	default:
		r.scalar()
	}
}

func (r *jsonReader) skipArray(depth int) {
	r.i++
	if r.peek() == ']' {
		r.i++
		return
	}
	for r.err == nil {
		r.skip(depth + 1)
		switch r.peek() {
		case ']':
			r.i++
			return
		case ',':
			r.i++
		default:
			r.missing("a comma or the end of an array")
		}
	}
}

// str reads a string, unescaped in place: never longer than its escaped form.
// The cursor is at its quote.
func (r *jsonReader) str() []byte {
	b, start := r.b, r.i+1
	for i := start; i < len(b); i++ {
		if c := b[i]; c == '"' {
			r.i = i + 1
			return b[start:i:i]
		} else if c == '\\' {
			return r.unescape(start, i)
		}
	}
	r.fail(errUnterminated)
	return nil
}

// unescape reads on from the first backslash of a string that began at start.
func (r *jsonReader) unescape(start, i int) []byte {
	b, out := r.b, i // out is where the next unescaped byte goes
	for i < len(b) {
		switch b[i] {
		case '"':
			r.i = i + 1
			return b[start:out:out]
		case '\\':
			n, size := escape(b[i:], b[out:])
			if n == 0 {
				r.fail(errEscape)
				return nil
			}
			i += n
			out += size
		default:
			end := i + 1
			for end < len(b) && b[end] != '"' && b[end] != '\\' {
				end++
			}
			out += copy(b[out:], b[i:end])
			i = end
		}
	}
	r.fail(errUnterminated)
	return nil
}

// escape decodes the escape at the start of src into dst, which may overlap it
// from below. It returns the lengths of both, 0 for a bad escape.
func escape(src, dst []byte) (read, written int) {
	if len(src) < 2 {
		return 0, 0
	}
	switch c := src[1]; c {
	case '"', '\\', '/':
		dst[0] = c
	case 'b':
		dst[0] = '\b'
	case 'f':
		dst[0] = '\f'
	case 'n':
		dst[0] = '\n'
	case 'r':
		dst[0] = '\r'
	case 't':
		dst[0] = '\t'
	case 'v': // fastjson writes it
		dst[0] = '\v'
	case 'x': // so does fastjson for some control characters: \x and two digits
		return escapeHex(src, dst)
	case 'u':
		return escapeUnicode(src, dst)
	default:
		return 0, 0
	}
	return 2, 1
}

func escapeHex(src, dst []byte) (read, written int) {
	if len(src) < 4 {
		return 0, 0
	}
	v, ok := hexValue(src[2:4])
	if !ok {
		return 0, 0
	}
	return 4, utf8.EncodeRune(dst[:2], v)
}

func escapeUnicode(src, dst []byte) (read, written int) {
	v, ok := hexEscape(src)
	if !ok {
		return 0, 0
	}
	if v < utf8.RuneSelf { // \u0001 and \u0002 separate properties: the usual case
		dst[0] = byte(v)
		return 6, 1
	}
	read = 6
	if utf16.IsSurrogate(v) {
		low, ok := hexEscape(src[6:])
		if pair := utf16.DecodeRune(v, low); ok && pair != utf8.RuneError {
			v, read = pair, 12
		}
	}
	var tmp [utf8.UTFMax]byte
	n := utf8.EncodeRune(tmp[:], v) // a lone surrogate becomes U+FFFD
	return read, copy(dst, tmp[:n])
}

// hexEscape reads \uXXXX.
func hexEscape(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	return hexValue(b[2:6])
}

func hexValue(digits []byte) (v rune, ok bool) {
	for _, c := range digits {
		switch {
		case '0' <= c && c <= '9':
			v = v<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			v = v<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return v, true
}
