package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator makes messages and expressions that speak of the same few properties
// and values, so that each answer is a common one.
type generator struct{ *rand.Rand }

func pick[T any](g generator, from []T) T { return from[g.IntN(len(from))] }

// chance is true once in n times.
func (g generator) chance(n int) bool { return g.IntN(n) == 0 }

// properties returns the properties of a message in their text form.
func (g generator) properties() string {
	var b strings.Builder
	for _, p := range propertyNames {
		if g.chance(4) {
			continue
		}
		b.WriteString(p.name + "\x01" + g.value(p.values) + "\x02")
		if g.chance(20) { // a second one, which counts
			b.WriteString(p.name + "\x01" + g.value(p.values) + "\x02")
		}
		if g.chance(40) { // no property at all
			b.WriteString(pick(g, []string{"\x02", "n\x02", "\x01\x02", "\x01v\x02", "s\x01\x01\x02"}))
		}
	}
	text := b.String()
	if g.chance(3) {
		text = strings.TrimSuffix(text, "\x02")
	}
	return text
}

func (g generator) value(from []string) string {
	if g.chance(6) {
		from = wildValues
	}
	return pick(g, from)
}

// expression returns one that is mostly correct.
func (g generator) expression() string {
	words := g.condition(g.IntN(4))
	if g.chance(4) {
		words = g.damage(words)
	}
	text := g.layOut(words)
	if g.chance(12) {
		text = g.damageText(text)
	}
	return text
}

// condition returns the words of a condition. Its depth is how much further it may
// branch.
func (g generator) condition(depth int) []string {
	if depth <= 0 {
		return g.comparison()
	}
	switch g.IntN(10) {
	case 0, 1, 2:
		return words(g.condition(depth-1), "AND", g.condition(depth-1))
	case 3, 4, 5:
		return words(g.condition(depth-1), "OR", g.condition(depth-1))
	case 6:
		return words("NOT", "(", g.condition(depth-1), ")")
	case 7:
		return words("(", g.condition(depth-1), ")", pick(g, []string{"=", "<>"}), g.condition(depth-1))
	case 8:
		return words("(", g.condition(depth-1), ")")
	default:
		return g.comparison()
	}
}

func (g generator) comparison() []string {
	p := pick(g, propertyNames)
	left := words(p.name)
	if g.chance(8) {
		left = g.operand()
	}
	switch g.IntN(12) {
	case 0, 1, 2:
		return words(left, pick(g, []string{"<", "<=", ">", ">="}), g.number(p))
	case 3, 4:
		return words(left, pick(g, []string{"=", "<>"}), g.literal(p))
	case 5:
		return words(g.literal(p), pick(g, []string{"=", "<>", "<", "<=", ">", ">="}), left)
	case 6:
		return words(left, g.not(), "BETWEEN", g.number(p), "AND", g.number(p))
	case 7:
		return words(left, g.not(), "IN", g.list(p))
	case 8:
		return words(left, "IS", g.not(), "NULL")
	case 9:
		return words(left, g.not(), pick(g, []string{"CONTAINS", "STARTSWITH", "ENDSWITH"}), g.part(p))
	case 10:
		return words(left, pick(g, []string{"=", "<>", "<", "<=", ">", ">="}), g.operand())
	default:
		return words(pick(g, []string{"TRUE", "FALSE", "NULL", p.name, "NOT " + p.name}))
	}
}

// words joins words and lists of them.
func words(parts ...any) []string {
	var all []string
	for _, part := range parts {
		switch part := part.(type) {
		case string:
			if part != "" {
				all = append(all, part)
			}
		case []string:
			all = append(all, part...)
		default:
			panic(fmt.Sprintf("%T is no word", part))
		}
	}
	return all
}

func (g generator) not() string { return pick(g, []string{"", "NOT"}) }

// literal returns a constant of the property's kind, mostly.
func (g generator) literal(p property) []string {
	switch g.IntN(6) {
	case 0:
		return words(pick(g, []string{"TRUE", "FALSE", "NULL"}))
	case 1, 2:
		return words(quoted(g.value(p.values)))
	}
	return g.number(p)
}

// number returns a constant number, mostly.
func (g generator) number(p property) []string {
	sign := pick(g, []string{"", "", "", "", "-", "+", "- -"})
	switch g.IntN(12) {
	case 0:
		return words(pick(g, propertyNames).name)
	case 1:
		return words(sign, "(", pick(g, p.numbers), ")")
	case 2:
		return words(sign, pick(g, wildNumbers))
	}
	return words(sign, pick(g, p.numbers))
}

// operand returns whatever may stand at a side of a comparison.
func (g generator) operand() []string {
	p := pick(g, propertyNames)
	switch g.IntN(6) {
	case 0:
		return words("-", p.name)
	case 1:
		return words(pick(g, []string{"-", "+", ""}), "(", g.comparison(), ")")
	case 2:
		return g.literal(p)
	}
	return words(p.name)
}

func (g generator) list(p property) []string {
	list := words("(", quoted(g.value(p.values)))
	for range g.IntN(7) {
		list = append(list, ",", quoted(g.value(p.values)))
	}
	return append(list, ")")
}

// part returns what may occur in a value of the property.
func (g generator) part(p property) string {
	v := []rune(g.value(p.values))
	if len(v) == 0 || g.chance(20) {
		return "''"
	}
	from := g.IntN(len(v))
	to := from + 1 + g.IntN(len(v)-from)
	switch g.IntN(3) {
	case 0:
		return quoted(string(v[:to]))
	case 1:
		return quoted(string(v[from:]))
	}
	return quoted(string(v[from:to]))
}

func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
