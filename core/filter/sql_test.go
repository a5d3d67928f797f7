package filter

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
	"unicode"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

// properties returns pairs of names and values in their text form.
func properties(pairs ...string) []byte {
	var text []byte
	for i := 0; i < len(pairs); i += 2 {
		text = record.AppendProperty(text, pairs[i], []byte(pairs[i+1]))
	}
	return text
}

func TestSQL92Filter(t *testing.T) {
	tests := []struct {
		expression      string
		match, miss     []byte
		all             bool
		needsProperties bool
	}{
		{expression: "a > 5 AND b IS NOT NULL", match: properties("a", "6", "b", "x"), miss: properties("a", "6"), needsProperties: true},
		{expression: "TAGS = 'created'", match: properties("KEYS", "k", "TAGS", "created"), miss: properties("TAGS", "other"), needsProperties: true},
		{expression: "a > 5", match: properties("a", "6"), miss: properties("a", "5.5"), needsProperties: true}, // 5.5 is no int
		{expression: "TRUE", match: nil, all: true},
		{expression: "1 < 2", match: properties("a", "b"), all: true},
		{expression: "NULL OR 1 = 2", miss: properties("a", "b"), needsProperties: true},
	}
	for _, test := range tests {
		f, err := Parse(SQL92, test.expression)
		if err != nil {
			t.Fatal(err)
		}
		if f.All() != test.all || f.NeedsProperties() != test.needsProperties {
			t.Errorf("%q: All %v, NeedsProperties %v", test.expression, f.All(), f.NeedsProperties())
		}
		if !f.MayMatch(0) || !f.MayMatch(77) {
			t.Errorf("%q: the tag's hash rules a message out", test.expression)
		}
		if (test.match != nil || test.all) && !f.Match(test.match) {
			t.Errorf("%q does not match %q", test.expression, test.match)
		}
		if test.miss != nil && f.Match(test.miss) {
			t.Errorf("%q matches %q", test.expression, test.miss)
		}
	}
}

func TestSyntaxErrorsSayWhereAndWhy(t *testing.T) {
	tests := []struct {
		expression string
		offset     int
		reason     string
	}{
		{"", 0, "missing at the end"},
		{"a > ", 4, "a property, a text or a number is missing at the end"},
		{"a = \"x\"", 4, `unexpected '"': a text stands in single quotes`},
		{"a != 1", 2, "write <> for not equal"},
		{"a = 1 && b = 2", 6, "write AND"},
		{"a = 'it", 4, "the text does not end"},
		{"a = 1 /* b", 6, "the comment does not end"},
		{"é = 1", 0, "unexpected 'é'"},
		{"a IN ('x' 'y')", 10, `) is expected instead of "'y'"`},
		{"a IN (1)", 6, "a text in single quotes is expected instead of"},
		{"a BETWEEN 1 OR 2", 12, `AND is expected instead of "OR"`},
		{"a BETWEEN 5 AND 1", 2, "lower bound first"},
		{"a IS '" + strings.Repeat("x", 5000) + "'", 5, `NULL is expected instead of "'` + strings.Repeat("x", 19) + `"`},
		{"a IS 5", 5, `NULL is expected instead of "5"`},
		{"a NOT LIKE 'x'", 6, `BETWEEN, IN, CONTAINS, STARTSWITH or ENDSWITH is expected instead of "LIKE"`},
		{"a = NULL", 2, "write IS NULL"},
		{"a > 'x'", 2, "only numbers and properties can be put in order"},
		{"NOT a > 1", 6, "only numbers and properties can be put in order"},
		{"TRUE = 1", 5, "TRUE and FALSE cannot be compared"},
		{"5 IN ('5')", 2, "only a property"},
		{"5", 0, "a condition is expected"},
		{"a = 1 OR 5", 6, "a condition is expected"},
		{"a > 1e999", 4, "1e999 is out of range"},
		{"a > 9223372036854775808", 4, "out of range"},
		{strings.Repeat("(", maxDepth) + "a", maxDepth, "nested more than 128 deep"},
		{"a" + strings.Repeat(" IS NULL", maxDepth), 2 + 8*(maxDepth-1), "nested more than 128 deep"},
		{"a OR a OR a" + strings.Repeat(" IS NULL", maxDepth-1), 7, "nested more than 128 deep"},
		{"a IN ('x'" + strings.Repeat(",'x'", maxList) + ")", 9 + 4*(maxList-1), "a list has at most 2048 texts"},
		{manyNames(maxNames + 1), len(manyNames(maxNames)) + len(" AND "), "at most 64 different properties"},
	}
	for _, test := range tests {
		_, err := Parse(SQL92, test.expression)
		if model.CodeOf(err) != model.InvalidFilter {
			t.Errorf("%.40q: %v", test.expression, err)
			continue
		}
		syntax, ok := errors.AsType[*SyntaxError](err)
		if !ok || syntax.Offset != test.offset || !strings.Contains(syntax.Reason, test.reason) {
			t.Errorf("%.40q: %v; want offset %d, %q", test.expression, syntax, test.offset, test.reason)
		}
	}
}

// manyNames returns an expression with n different properties.
func manyNames(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = "p" + strings.Repeat("x", i)
	}
	return strings.Join(names, " AND ")
}

func TestParseRefuses(t *testing.T) {
	for _, test := range []struct{ kind, expression, reason string }{
		{"TAG", strings.Repeat("x", maxTags+1), "at most 8192 are allowed"},
		{"SQL92", "a = '" + strings.Repeat("x", maxSQL) + "'", "at most 16384 are allowed"},
		{"sql92", "a = 1", `filter type "sql92" is not supported`},
		{"SQL92", "a =", "SQL92 expression at position 4: "},
	} {
		_, err := Parse(test.kind, test.expression)
		if model.CodeOf(err) != model.InvalidFilter || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s %.20q: %v", test.kind, test.expression, err)
		}
	}
}

// TestWithinTheLimits takes what just does not exceed them.
func TestWithinTheLimits(t *testing.T) {
	for _, expression := range []string{
		strings.Repeat("(", maxDepth-1) + "a = '1'" + strings.Repeat(")", maxDepth-1),
		"b IN ('y'" + strings.Repeat(",'x'", maxList-2) + ",'z')",
		manyNames(maxNames) + " OR TRUE",
		"a = '1'" + strings.Repeat(" AND a = '1'", (maxSQL-7)/12),
	} {
		f, err := Parse(SQL92, expression)
		if err != nil {
			t.Errorf("%.40q: %v", expression, err)
		} else if !f.Match(properties("a", "1", "b", "z")) {
			t.Errorf("%.40q does not match", expression)
		}
	}
}

// TestDifferences has all that is meant to differ from Apache: limits that it does
// not have (the expressions that exceed them are in the tests above), and
// properties that are no UTF-8.
func TestDifferences(t *testing.T) {
	long := strings.Repeat("0", maxNumber) + "5"
	invalid := "x\xff"
	for _, test := range []struct {
		expression string
		value      string
		apache     truth // asked of 5.3.3
		want       truth
	}{
		// A property of more than 128 bytes is no number.
		{"a = 5", long, yes, failed},
		{"a > 1.5", long, yes, failed},
		// Apache decodes properties, with a replacement for what is no UTF-8. We compare bytes.
		{"a = 'x\ufffd'", invalid, yes, no},
		{"a ENDSWITH '\ufffd'", invalid, yes, no},
	} {
		p, err := compileSQL(test.expression)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.evaluate(properties("a", test.value)); got != test.want || got == test.apache {
			t.Errorf("%q of %.20q: %d, want %d", test.expression, test.value, got, test.want)
		}
	}
}

// TestTheLastPropertyCounts: as in Apache's decoder, and one without a value is none.
func TestTheLastPropertyCounts(t *testing.T) {
	for text, want := range map[string]truth{
		"a\x011\x02a\x012\x02":         yes,
		"a\x012\x02a\x011\x02":         no,
		"a\x012":                       yes,
		"a\x012\x02a\x01\x02":          yes,
		"a\x01\x02":                    unknown,
		"a\x02":                        unknown,
		"\x012\x02":                    unknown,
		"":                             unknown,
		"\x02\x02a\x012\x02\x02x":      yes,
		"b\x01a\x012\x02":              unknown,
		"aa\x012\x02A\x012\x02 a\x012": unknown,
	} {
		p, err := compileSQL("a = 2")
		if err != nil {
			t.Fatal(err)
		}
		if got := p.evaluate([]byte(text)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

// TestScriptsHaveTenDigits holds what foreignDigit relies on.
func TestScriptsHaveTenDigits(t *testing.T) {
	for _, script := range unicode.Nd.R16 {
		if script.Stride != 1 || (script.Hi-script.Lo+1)%10 != 0 {
			t.Errorf("digits from %U to %U, stride %d", script.Lo, script.Hi, script.Stride)
		}
	}
}

// TestDoubles holds the order against Java's Double.compare.
func TestDoubles(t *testing.T) {
	ascending := []float64{math.Inf(-1), -1, math.Copysign(0, -1), 0, math.SmallestNonzeroFloat64, 1, math.Inf(1), math.NaN()}
	for i, a := range ascending {
		for j, b := range ascending {
			got := compareDoubles(a, b)
			if (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("%v and %v: %d", a, b, got)
			}
		}
	}
}

func TestEvaluationDoesNotAllocate(t *testing.T) {
	text := []byte(message)
	for _, e := range evaluations {
		f, err := Parse(SQL92, e.expression)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { f.Match(text) }); n != 0 {
			t.Errorf("%s: %v allocations", e.expression, n)
		}
	}
}

func FuzzSQL92Parse(f *testing.F) {
	for _, q := range loadAnswers(f).asked {
		f.Add(q.expression)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		compiled, err := Parse(SQL92, expression)
		if err == nil {
			compiled.Match(nil)
			return
		}
		if model.CodeOf(err) != model.InvalidFilter {
			t.Fatalf("%q: %v", expression, err)
		}
		if syntax, ok := errors.AsType[*SyntaxError](err); ok && (syntax.Offset < 0 || syntax.Offset > len(expression)) {
			t.Fatalf("%q: %v", expression, err)
		}
	})
}

// FuzzSQL92Evaluate holds that an evaluation leaves the properties alone, and that
// what the expression does not name does not count.
func FuzzSQL92Evaluate(f *testing.F) {
	a := loadAnswers(f)
	for _, q := range a.asked {
		f.Add(q.expression, a.message(q, 0))
	}
	f.Fuzz(func(t *testing.T, expression string, text []byte) {
		p, err := compileSQL(expression)
		if err != nil {
			return
		}
		before := bytes.Clone(text)
		got := p.evaluate(text)
		if !bytes.Equal(text, before) {
			t.Fatal("the properties have changed")
		}
		more := record.AppendProperty(bytes.Clone(text), "no name", []byte("5"))
		if again := p.evaluate(more); again != got {
			t.Fatalf("%q of %q: %d, and %d with a property more", expression, text, got, again)
		}
		if f, err := Parse(SQL92, expression); err == nil && f.Match(text) != (got == yes) {
			t.Fatalf("%q of %q: %d, and Match says otherwise", expression, text, got)
		}
	})
}
