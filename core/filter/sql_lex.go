package filter

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// tokenKind is what a token of an SQL92 expression is.
type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenName
	tokenText    // 'text'
	tokenInteger // 12, 12L
	tokenFloat   // 1.5, 1e3
	tokenEqual
	tokenNotEqual
	tokenLess
	tokenLessEqual
	tokenGreater
	tokenGreaterEqual
	tokenOpen
	tokenClose
	tokenComma
	tokenPlus
	tokenMinus
	tokenNot
	tokenAnd
	tokenOr
	tokenBetween
	tokenIn
	tokenTrue
	tokenFalse
	tokenNull
	tokenIs
	tokenContains
	tokenStartsWith
	tokenEndsWith
)

// keywords are written in any case. None is longer than maxKeyword.
var keywords = map[string]tokenKind{
	"NOT": tokenNot, "AND": tokenAnd, "OR": tokenOr, "BETWEEN": tokenBetween, "IN": tokenIn,
	"TRUE": tokenTrue, "FALSE": tokenFalse, "NULL": tokenNull, "IS": tokenIs,
	"CONTAINS": tokenContains, "STARTSWITH": tokenStartsWith, "ENDSWITH": tokenEndsWith,
}

const maxKeyword = len("STARTSWITH")

// signs, a longer one before its beginning.
var signs = []struct {
	text string
	kind tokenKind
}{
	{"<>", tokenNotEqual},
	{"<=", tokenLessEqual},
	{">=", tokenGreaterEqual},
	{"<", tokenLess},
	{">", tokenGreater},
	{"=", tokenEqual},
	{"(", tokenOpen},
	{")", tokenClose},
	{",", tokenComma},
	{"+", tokenPlus},
	{"-", tokenMinus},
}

// token is a piece of the expression.
type token struct {
	kind   tokenKind
	text   string
	offset int
}

// lexer cuts an expression into tokens, one at a time: what follows the part that
// is parsed need not even consist of tokens.
type lexer struct {
	src string
	at  int
}

// next returns the token at the lexer's place and goes past it.
func (l *lexer) next() (token, *SyntaxError) {
	if err := l.skip(); err != nil {
		return token{}, err
	}
	start := l.at
	kind, n := scan(l.src[start:])
	if n == 0 && start < len(l.src) {
		return token{}, l.unknown()
	}
	l.at += n
	t := token{kind: kind, text: l.src[start:l.at], offset: start}
	if kind == tokenName && n <= maxKeyword {
		if k, ok := keywords[strings.ToUpper(t.text)]; ok {
			t.kind = k
		}
	}
	return t, nil
}

// skip goes past white space and comments. A line comment needs its line to end:
// without, it is two minus signs, as upstream's lexer has it.
func (l *lexer) skip() *SyntaxError {
	for l.at < len(l.src) {
		rest := l.src[l.at:]
		switch {
		case strings.IndexByte(" \t\n\r\f", rest[0]) >= 0:
			l.at++
		case strings.HasPrefix(rest, "--"):
			end := strings.IndexAny(rest, "\n\r")
			if end < 0 {
				return nil
			}
			l.at += end
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest[2:], "*/")
			if end < 0 {
				return &SyntaxError{Offset: l.at, Reason: "the comment does not end"}
			}
			l.at += end + len("/**/")
		default:
			return nil
		}
	}
	return nil
}

// scan returns the kind and length of the token that s begins with; length 0 if
// there is none.
func scan(s string) (tokenKind, int) {
	if s == "" {
		return tokenEnd, 0
	}
	switch c := s[0]; {
	case isNameStart(c):
		n := 1
		for n < len(s) && (isNameStart(s[n]) || isDigit(s[n])) {
			n++
		}
		return tokenName, n
	case isDigit(c) || c == '.':
		return scanNumber(s)
	case c == '\'':
		return tokenText, scanText(s)
	}
	for _, sign := range signs {
		if strings.HasPrefix(s, sign.text) {
			return sign.kind, len(sign.text)
		}
	}
	return tokenEnd, 0
}

// scanText returns the length of the text in quotes that s begins with, 0 if it
// does not end. Two quotes stand for one. If what follows two quotes has no end,
// the first of them was the end.
func scanText(s string) int {
	end := 0
	for i := 1; i < len(s); i++ {
		if s[i] != '\'' {
			continue
		}
		end = i + 1
		if end == len(s) || s[end] != '\'' {
			return end
		}
		i++
	}
	return end
}

// scanNumber returns the longest number that s begins with. An integer has no
// zeros before it, so 012 is two tokens while 012.5 is one.
func scanNumber(s string) (tokenKind, int) {
	n := mantissa(s, isDigit)
	if n == 0 {
		return tokenEnd, 0
	}
	whole := count(s, isDigit)
	if e := exponent(s[n:], 'e'); e > 0 || n > whole {
		return tokenFloat, n + e
	}
	if s[0] == '0' {
		return tokenInteger, 1
	}
	if n < len(s) && s[n]|0x20 == 'l' {
		n++
	}
	return tokenInteger, n
}

func isNameStart(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' || c == '$'
}

// hints say what stands for a sign of other dialects.
var hints = map[byte]string{
	'"': "a text stands in single quotes",
	'!': "write <> for not equal, NOT for not",
	'&': "write AND",
	'|': "write OR",
	'*': "there is no arithmetic",
	'/': "there is no arithmetic",
	'%': "there is no arithmetic",
}

// unknown tells that no token begins at the lexer's place.
func (l *lexer) unknown() *SyntaxError {
	rest := l.src[l.at:]
	if rest[0] == '\'' {
		return &SyntaxError{Offset: l.at, Reason: "the text does not end"}
	}
	r, _ := utf8.DecodeRuneInString(rest)
	reason := fmt.Sprintf("unexpected %q", r)
	if hint := hints[rest[0]]; hint != "" {
		reason += ": " + hint
	}
	return &SyntaxError{Offset: l.at, Reason: reason}
}
