package filter

import (
	"fmt"
	"slices"
	"strings"
)

// parser reads the grammar
//
//	or         = and { OR and }
//	and        = equality { AND equality }
//	equality   = comparison { ("=" | "<>") comparison | IS [NOT] NULL }
//	comparison = unary { ("<" | "<=" | ">" | ">=") unary | [NOT] BETWEEN unary AND unary
//	           | [NOT] IN "(" text { "," text } ")" | [NOT] (CONTAINS | STARTSWITH | ENDSWITH) text }
//	unary      = ("+" | "-" | NOT) unary | "(" or ")" | property | text | number | TRUE | FALSE | NULL
//
// so NOT binds closest. Like upstream's, it stops at the first token that does not
// continue the expression, without looking at what is behind.
//
// The first error is kept. From there on all tokens are the end, so everything
// returns soon, with nodes that mean nothing.
type parser struct {
	lexer   lexer
	token   token // the next one
	names   []string
	nesting int
	err     *SyntaxError
}

// parse returns the tree of an expression.
func (p *parser) parse() (*node, *SyntaxError) {
	p.advance()
	n := p.condition(0, p.or())
	return n, p.err
}

// advance goes past the next token, and returns it.
func (p *parser) advance() token {
	t := p.token
	next, err := p.lexer.next()
	if p.err == nil && err == nil {
		p.token = next
		return t
	}
	if p.err == nil {
		p.err = err
	}
	p.token = token{}
	return t
}

// accept goes past the next token if it is of that kind.
func (p *parser) accept(kind tokenKind) bool {
	if p.token.kind != kind {
		return false
	}
	p.advance()
	return p.err == nil
}

// expect goes past the next token if it is of that kind, and fails if not.
func (p *parser) expect(kind tokenKind, name string) token {
	if p.token.kind != kind {
		p.unexpected(name)
	}
	return p.advance()
}

// fail keeps the first error. The node it returns means nothing.
func (p *parser) fail(at int, format string, args ...any) *node {
	if p.err == nil {
		p.err = &SyntaxError{Offset: at, Reason: fmt.Sprintf(format, args...)}
	}
	p.token = token{}
	return &node{}
}

func (p *parser) unexpected(wanted string) *node {
	if p.token.kind == tokenEnd {
		return p.fail(p.token.offset, "%s is missing at the end", wanted)
	}
	return p.fail(p.token.offset, "%s is expected instead of %.20q", wanted, p.token.text)
}

func (p *parser) or() *node {
	left := p.and()
	for p.token.kind == tokenOr {
		at := p.advance().offset
		left = p.join(at, opOr, left, p.and())
	}
	return left
}

func (p *parser) and() *node {
	left := p.equality()
	for p.token.kind == tokenAnd {
		at := p.advance().offset
		left = p.join(at, opAnd, left, p.equality())
	}
	return left
}

func (p *parser) equality() *node {
	left := p.comparison()
	for {
		at := p.token.offset
		switch p.token.kind {
		case tokenEqual:
			p.advance()
			left = p.equal(at, left, p.comparison())
		case tokenNotEqual:
			p.advance()
			left = p.node(at, opNot, p.equal(at, left, p.comparison()))
		case tokenIs:
			p.advance()
			left = p.null(at, left)
		default:
			return left
		}
	}
}

// null reads what follows IS.
func (p *parser) null(at int, left *node) *node {
	not := p.accept(tokenNot)
	p.expect(tokenNull, "NULL")
	n := p.node(at, opIsNull, left)
	if not {
		return p.node(at, opNot, n)
	}
	return n
}

// orders are the comparisons by a sign.
var orders = map[tokenKind]op{
	tokenLess: opLess, tokenLessEqual: opLessEqual, tokenGreater: opGreater, tokenGreaterEqual: opGreaterEqual,
}

func (p *parser) comparison() *node {
	left := p.unary()
	for {
		at := p.token.offset
		if o, ok := orders[p.token.kind]; ok {
			p.advance()
			left = p.ordered(at, o, left, p.unary())
			continue
		}
		not := p.accept(tokenNot)
		o, ok := predicates[p.token.kind]
		switch {
		case !ok && not:
			return p.unexpected("BETWEEN, IN, CONTAINS, STARTSWITH or ENDSWITH")
		case !ok:
			return left
		case not:
			o = o.opposite()
		}
		p.advance()
		left = p.predicate(at, o, left)
	}
}

// predicates are the comparisons by a word. Each has an opposite, with NOT.
var predicates = map[tokenKind]op{
	tokenBetween: opBetween, tokenIn: opIn,
	tokenContains: opContains, tokenStartsWith: opStartsWith, tokenEndsWith: opEndsWith,
}

// predicate reads what follows the word.
func (p *parser) predicate(at int, o op, left *node) *node {
	switch o {
	case opBetween, opNotBetween:
		low := p.unary()
		p.expect(tokenAnd, "AND")
		return p.ordered(at, o, left, low, p.unary())
	case opIn, opNotIn:
		return p.in(at, o, left, p.list())
	default:
		return p.search(at, o, left, p.text())
	}
}

// list reads texts in parentheses.
func (p *parser) list() []string {
	p.expect(tokenOpen, "(")
	list := []string{p.text()}
	for p.token.kind == tokenComma {
		at := p.advance().offset
		if list = append(list, p.text()); len(list) > maxList {
			p.fail(at, "a list has at most %d texts", maxList)
		}
	}
	p.expect(tokenClose, ")")
	return list
}

// text reads a text in quotes.
func (p *parser) text() string {
	image := p.expect(tokenText, "a text in single quotes").text
	if p.err != nil {
		return ""
	}
	return strings.ReplaceAll(image[1:len(image)-1], "''", "'")
}

func (p *parser) unary() *node {
	if p.nesting++; p.nesting > maxDepth {
		return p.tooDeep(p.token.offset)
	}
	defer func() { p.nesting-- }()
	at := p.token.offset
	switch {
	case p.accept(tokenPlus):
		return p.unary()
	case p.accept(tokenMinus):
		return p.negate(at, p.unary())
	case p.accept(tokenNot):
		return p.node(at, opNot, p.condition(at, p.unary()))
	case p.accept(tokenOpen):
		n := p.or()
		p.expect(tokenClose, ")")
		return n
	}
	return p.operand()
}

// operand reads a property or a literal.
func (p *parser) operand() *node {
	at := p.token.offset
	switch p.token.kind {
	case tokenText:
		return leaf(opConstant, textValue(p.text()))
	case tokenName:
		return p.property(at, p.advance().text)
	case tokenTrue, tokenFalse:
		return leaf(opTruth, truthValue(p.advance().kind == tokenTrue))
	case tokenNull:
		p.advance()
		return leaf(opTruth, value{})
	case tokenInteger, tokenFloat:
		return p.number(at, p.advance())
	}
	return p.unexpected("a property, a text or a number")
}

func (p *parser) property(at int, name string) *node {
	i := slices.Index(p.names, name)
	if i < 0 {
		i = len(p.names)
		p.names = append(p.names, name)
	}
	if i == maxNames {
		return p.fail(at, "an expression has at most %d different properties", maxNames)
	}
	return &node{op: opProperty, name: i, height: 1}
}

func (p *parser) number(at int, t token) *node {
	parse := parseWhole
	if t.kind == tokenFloat {
		parse = parseFraction
	}
	v, ok := parse(t.text)
	if !ok {
		return p.fail(at, "%.40s is out of range", t.text)
	}
	return leaf(opConstant, v)
}

func (p *parser) tooDeep(at int) *node {
	return p.fail(at, "the expression is nested more than %d deep", maxDepth)
}
