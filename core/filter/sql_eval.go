package filter

import (
	"bytes"

	"github.com/gantrymq/gantry/core/record"
)

// fewNames is how many properties most expressions are satisfied with: their
// values need little room on the stack.
const fewNames = 8

// evaluate says what the expression makes of a message with these properties, in
// their text form.
func (p *program) evaluate(properties []byte) truth {
	if len(p.names) <= fewNames {
		var found [fewNames][]byte
		return p.run(properties, found[:])
	}
	var found [maxNames][]byte
	return p.run(properties, found[:])
}

func (p *program) run(properties []byte, found [][]byte) truth {
	p.find(properties, found)
	e := evaluation{program: p, properties: found}
	return e.condition(0)
}

// find looks up the properties of the expression. As where upstream decodes them,
// the last one of a name counts, and one without a value does not.
func (p *program) find(properties []byte, found [][]byte) {
	for {
		key, text, rest, ok := record.NextProperty(properties)
		if !ok {
			return
		}
		properties = rest
		if len(text) == 0 {
			continue
		}
		for i, name := range p.names {
			if name == string(key) {
				found[i] = text
				break
			}
		}
	}
}

// evaluation is an expression with the properties of one message; nil stands for
// one that is absent.
type evaluation struct {
	*program
	properties [][]byte
}

// condition evaluates the step at i, which is a condition.
func (e *evaluation) condition(i int32) truth {
	s := &e.steps[i]
	switch s.op {
	case opAnd:
		return e.all(i+1, s.end, yes)
	case opOr:
		return e.all(i+1, s.end, no)
	case opNot:
		return e.condition(i + 1).not()
	case opCast:
		return e.cast(i + 1)
	case opIsNull:
		return e.isNull(i + 1)
	case opEqual:
		return e.equal(i + 1)
	case opLess, opLessEqual, opGreater, opGreaterEqual:
		return e.ordered(s.op, i+1)
	case opBetween:
		return e.between(i + 1)
	case opNotBetween:
		return e.between(i + 1).not()
	case opIn:
		return e.in(i)
	case opNotIn:
		return e.in(i).not()
	case opTruth:
		return e.values[s.arg].truth()
	}
	return e.search(i)
}

// all evaluates the conditions from i to end, until one is not as wanted: that is
// AND for yes, and OR for no. One that is unknown makes the whole unknown, unless a
// later one decides.
func (e *evaluation) all(i, end int32, wanted truth) truth {
	result := wanted
	for ; i < end; i = e.steps[i].end {
		switch t := e.condition(i); t {
		case wanted:
		case unknown:
			result = unknown
		default:
			return t
		}
	}
	return result
}

// operand evaluates any step.
func (e *evaluation) operand(i int32) value {
	switch s := &e.steps[i]; s.op {
	case opProperty:
		if text := e.properties[s.arg]; text != nil {
			return value{kind: kindText, text: text}
		}
		return value{}
	case opConstant:
		return e.values[s.arg]
	case opNegate:
		if e.operand(i+1).kind == kindFailed {
			return value{kind: kindFailed}
		}
		return value{}
	}
	return e.condition(i).value()
}

func (e *evaluation) cast(i int32) truth {
	if e.operand(i).kind == kindNull {
		return unknown
	}
	return no
}

func (e *evaluation) isNull(i int32) truth {
	switch e.operand(i).kind {
	case kindFailed:
		return failed
	case kindNull:
		return yes
	}
	return no
}

func (e *evaluation) equal(i int32) truth {
	l, r := e.operand(i), e.operand(e.steps[i].end)
	if l.kind == kindFailed || r.kind == kindFailed {
		return failed
	}
	return equal(l, r)
}

// ordered evaluates a comparison of the operands that begin at i.
func (e *evaluation) ordered(o op, i int32) truth {
	return e.compare(o, e.operand(i), e.steps[i].end)
}

// compare compares a value with the operand at i, which is not looked at if the
// value is absent.
func (e *evaluation) compare(o op, l value, i int32) truth {
	if l.kind == kindNull {
		return unknown
	}
	r := e.operand(i)
	switch {
	case l.kind == kindFailed || r.kind == kindFailed:
		return failed
	case r.kind == kindNull:
		return unknown
	}
	order, ok := compare(l, r)
	if !ok {
		return failed
	}
	switch o {
	case opLess:
		return truthOf(order < 0)
	case opLessEqual:
		return truthOf(order <= 0)
	case opGreater:
		return truthOf(order > 0)
	default:
		return truthOf(order >= 0)
	}
}

// between evaluates a value, and whether it is within the bounds after it.
func (e *evaluation) between(i int32) truth {
	v := e.operand(i)
	low := e.steps[i].end
	above := e.compare(opGreaterEqual, v, low)
	if above == no || above == failed {
		return above
	}
	below := e.compare(opLessEqual, v, e.steps[low].end)
	if below == yes {
		return above
	}
	return below
}

// in evaluates whether a property is in the list of the step at i.
func (e *evaluation) in(i int32) truth {
	v := e.operand(i + 1)
	if v.kind == kindNull {
		return unknown
	}
	return truthOf(contains(e.lists[e.steps[i].arg], v.text))
}

// contains looks for a text in a sorted list.
func contains(list []string, text []byte) bool {
	low, high := 0, len(list)
	for low < high {
		middle := int(uint(low+high) / 2)
		if list[middle] < string(text) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low < len(list) && list[low] == string(text)
}

// search evaluates CONTAINS and its like. For an empty text, and in what is no text,
// both a search and its opposite say no; for an empty one without looking further.
func (e *evaluation) search(i int32) truth {
	s := &e.steps[i]
	text := e.values[s.arg].text
	if len(text) == 0 {
		return no
	}
	in := e.operand(i + 1)
	switch in.kind {
	case kindText:
	case kindFailed:
		return failed
	default:
		return no
	}
	switch s.op {
	case opContains:
		return truthOf(bytes.Contains(in.text, text))
	case opNotContains:
		return truthOf(!bytes.Contains(in.text, text))
	case opStartsWith:
		return truthOf(bytes.HasPrefix(in.text, text))
	case opNotStartsWith:
		return truthOf(!bytes.HasPrefix(in.text, text))
	case opEndsWith:
		return truthOf(bytes.HasSuffix(in.text, text))
	default: // opNotEndsWith
		return truthOf(!bytes.HasSuffix(in.text, text))
	}
}
