package filter

import "slices"

// op is what a node of an expression does. Those up to opTruth are conditions: they
// say yes, no or unknown.
type op uint8

const (
	opOr           op = iota // of all its nodes
	opAnd                    // of all its nodes
	opNot                    // node
	opCast                   // a property as a condition: unknown if it is absent, else no
	opIsNull                 // node
	opEqual                  // node = node
	opLess                   // node < node
	opLessEqual              // node <= node
	opGreater                // node > node
	opGreaterEqual           // node >= node
	opBetween                // node >= node and <= node
	opNotBetween             // node < node or > node
	opIn                     // a property in a list of texts
	opNotIn
	opContains // node and a text, and so on
	opNotContains
	opStartsWith
	opNotStartsWith
	opEndsWith
	opNotEndsWith
	opTruth    // TRUE, FALSE, NULL
	opConstant // a number, a text, or nothing
	opProperty
	opNegate // minus what is no number: nothing, or fails as its node does
)

// opposite returns the form of a predicate with NOT: it is the next op.
func (o op) opposite() op { return o + 1 }

// node is a part of an expression while it is parsed.
type node struct {
	op     op
	kids   []*node
	value  value    // of opTruth and opConstant; the text of opContains and its like
	name   int      // of opProperty: which one
	list   []string // of opIn: sorted
	height int
	// literal: written as a constant. A negated number is none: upstream checks
	// constants when it parses, and takes a negated one for something else.
	literal bool
}

// condition reports whether the node says yes, no or unknown.
func (n *node) condition() bool { return n.op <= opTruth }

func (n *node) number() bool { return n.op == opConstant && n.value.kind.number() }

// leaf makes a node of a literal.
func leaf(o op, v value) *node {
	return &node{op: o, value: v, literal: true, height: 1}
}

// node makes a node of others.
func (p *parser) node(at int, o op, kids ...*node) *node {
	n := &node{op: o, kids: kids}
	for _, kid := range kids {
		n.height = max(n.height, kid.height+1)
	}
	if n.height > maxDepth {
		return p.tooDeep(at)
	}
	return n
}

// condition returns the node as a condition. A property alone is one.
func (p *parser) condition(at int, n *node) *node {
	if n.condition() {
		return n
	}
	if n.op == opProperty {
		return p.node(at, opCast, n)
	}
	return p.fail(at, "a condition is expected, not a value")
}

// join makes AND or OR of two conditions. One that is such already takes the
// other, so a long chain does not become a deep tree.
func (p *parser) join(at int, o op, left, right *node) *node {
	left, right = p.condition(at, left), p.condition(at, right)
	if left.op != o {
		return p.node(at, o, left, right)
	}
	left.kids = append(left.kids, right)
	left.height = max(left.height, right.height+1)
	if left.height > maxDepth {
		return p.tooDeep(at)
	}
	return left
}

// negate makes -n. Upstream finds nothing to negate in what is no number.
func (p *parser) negate(at int, n *node) *node {
	switch {
	case n.number():
		return &node{op: opConstant, value: n.value.negated(), height: 1}
	case len(n.kids) == 0:
		return &node{op: opConstant, height: 1}
	}
	return p.node(at, opNegate, n)
}

// equal makes left = right. NULL is compared by IS; TRUE and FALSE, on the left,
// with nothing that is a text or a number by its form.
func (p *parser) equal(at int, left, right *node) *node {
	if left.null() || right.null() {
		return p.fail(at, "NULL cannot be compared: write IS NULL")
	}
	if left.literal && right.literal && left.op == opTruth && right.op != opTruth {
		return p.fail(at, "TRUE and FALSE cannot be compared with a text or a number")
	}
	return p.node(at, opEqual, left, right)
}

// null reports whether the node is a NULL as it was written.
func (n *node) null() bool { return n.literal && n.value.kind == kindNull }

// ordered makes a comparison by <, <=, > or >=, or BETWEEN: of numbers, and of
// properties, which may hold some.
func (p *parser) ordered(at int, o op, kids ...*node) *node {
	for _, n := range kids {
		if n.condition() || n.literal && !n.number() {
			return p.fail(at, "only numbers and properties can be put in order")
		}
	}
	if o == opBetween && kids[1].literal && kids[2].literal {
		if order, _ := compare(kids[1].value, kids[2].value); order > 0 {
			return p.fail(at, "BETWEEN has its lower bound first")
		}
	}
	return p.node(at, o, kids...)
}

// search makes CONTAINS and its like.
func (p *parser) search(at int, o op, left *node, text string) *node {
	n := p.node(at, o, left)
	n.value = textValue(text)
	return n
}

// in makes IN and NOT IN.
func (p *parser) in(at int, o op, left *node, list []string) *node {
	if left.op != opProperty {
		return p.fail(at, "only a property can be looked for in a list")
	}
	n := p.node(at, o, left)
	slices.Sort(list)
	n.list = slices.Compact(list)
	return n
}
