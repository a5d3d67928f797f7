package main

import (
	"slices"
	"strings"
)

// layOut writes words as a text, with white space, comments and case as they come.
func (g generator) layOut(words []string) string {
	var b strings.Builder
	wild := g.chance(4)
	for i, word := range words {
		if i > 0 {
			b.WriteString(g.space(wild))
		}
		b.WriteString(g.spell(word))
	}
	return b.String()
}

func (g generator) space(wild bool) string {
	if !wild {
		return " "
	}
	return pick(g, []string{" ", " ", " ", "", "  ", "\t", "\n", "\r\n", "\f", " /* c */ ", "/**/", "/***/", "/* ' */", " -- c\n", "--\r", "--'\r\n"})
}

// spell writes a keyword in some case.
func (g generator) spell(word string) string {
	if !slices.Contains(keywords, word) {
		return word
	}
	switch g.IntN(4) {
	case 0:
		return strings.ToLower(word)
	case 1:
		return word[:1] + strings.ToLower(word[1:])
	}
	return word
}

// damage changes a word or two.
func (g generator) damage(words []string) []string {
	for range 1 + g.IntN(2) {
		at := g.IntN(len(words))
		switch g.IntN(4) {
		case 0:
			words = slices.Delete(slices.Clone(words), at, at+1)
			if len(words) == 0 {
				return []string{""}
			}
		case 1:
			words = slices.Insert(slices.Clone(words), at, g.word())
		case 2:
			words[at] = g.word()
		case 3:
			other := g.IntN(len(words))
			words[at], words[other] = words[other], words[at]
		}
	}
	return words
}

func (g generator) word() string {
	return pick(g, pick(g, [][]string{keywords, signs, wildNumbers, {pick(g, propertyNames).name, quoted(pick(g, wildValues))}}))
}

// damageText changes a character.
func (g generator) damageText(text string) string {
	runes := []rune(text)
	if len(runes) == 0 {
		return text
	}
	at := g.IntN(len(runes))
	switch g.IntN(3) {
	case 0:
		runes = slices.Delete(runes, at, at+1)
	case 1:
		runes = slices.Insert(runes, at, pick(g, wildRunes))
	case 2:
		runes[at] = pick(g, wildRunes)
	}
	return string(runes)
}
