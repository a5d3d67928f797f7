package filter

import (
	"strings"
	"testing"
)

// evaluations are expressions as people write them, for the message below: what
// they cost, and that they cost no allocation.
var evaluations = []struct{ name, expression string }{
	{"equal", "region = 'eu-west'"},
	{"number", "amount > 100"},
	{"fraction", "price BETWEEN 0.5 AND 9.5"},
	{"absent", "missing = 'x'"},
	{"in", "region IN ('us-east', 'us-west', 'eu-north', 'eu-west', 'ap-south')"},
	{"search", "name CONTAINS 'widget' AND name NOT ENDSWITH 'old'"},
	{"mixed", "amount > 100 AND (region = 'eu-west' OR region = 'eu-north') AND vip = TRUE AND missing IS NULL"},
	{"failed", "name > 5"},
	{"many", "p0=1 OR p1=1 OR p2=1 OR p3=1 OR p4=1 OR p5=1 OR p6=1 OR p7=1 OR p8=1 OR p9=1 OR amount = 250"},
}

// message is the properties of a message from a Java client.
const message = "KEYS\x01order-1234567\x02amount\x01250\x02price\x013.75\x02region\x01eu-west\x02name\x01blue widget, large\x02" +
	"vip\x01true\x02UNIQ_KEY\x017F0000011A2B18B4AAC2345678900000\x02WAIT\x01true\x02TAGS\x01created\x02"

func BenchmarkMatch(b *testing.B) {
	properties := []byte(message)
	for _, e := range evaluations {
		f, err := Parse(SQL92, e.expression)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(e.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f.Match(properties)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	const expression = "amount > 100 AND (region = 'eu-west' OR region = 'eu-north') AND vip = TRUE AND missing IS NULL"
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(SQL92, expression); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWorst has the longest expressions with the properties that are dearest
// to them: what one client can make of one message.
func BenchmarkWorst(b *testing.B) {
	number := strings.Repeat("0", 1) + "." + strings.Repeat("123456789", 3400)
	text := "n\x01" + number[:min(len(number), maxNumber)] + "\x02s\x01" + strings.Repeat("ab", 15_000)
	for name, piece := range map[string]string{"number": "n=.1 OR ", "search": "s CONTAINS 'abb' OR ", "name": "n=n AND "} {
		expression := strings.Repeat(piece, (maxSQL-10)/len(piece)) + "n = '1'"
		f, err := Parse(SQL92, expression)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f.Match([]byte(text))
			}
		})
	}
}
