package filter

// program is a compiled expression: its nodes in the order of a walk, each before
// those it is made of. It is immutable, small and in one piece.
type program struct {
	steps  []step
	names  []string // of the properties
	values []value
	lists  [][]string
}

// step is a node. Its first part is the next step, and each part ends where the
// next one begins.
type step struct {
	op  op
	arg int32 // opProperty: its name. opTruth, opConstant, opContains and its like: a value. opIn: a list
	end int32 // the step after its last part
}

// compileSQL returns the program of an expression.
func compileSQL(expression string) (*program, *SyntaxError) {
	p := parser{lexer: lexer{src: expression}}
	root, err := p.parse()
	if err != nil {
		return nil, err
	}
	compiled := &program{names: p.names}
	compiled.add(root)
	return compiled, nil
}

func (p *program) add(n *node) {
	at := len(p.steps)
	p.steps = append(p.steps, step{op: n.op, arg: p.argument(n)})
	for _, kid := range n.kids {
		p.add(kid)
	}
	p.steps[at].end = int32(len(p.steps))
}

// argument keeps what belongs to a node and returns where.
func (p *program) argument(n *node) int32 {
	switch n.op {
	case opProperty:
		return int32(n.name)
	case opIn, opNotIn:
		p.lists = append(p.lists, n.list)
		return int32(len(p.lists) - 1)
	case opTruth, opConstant, opContains, opNotContains, opStartsWith, opNotStartsWith, opEndsWith, opNotEndsWith:
		p.values = append(p.values, n.value)
		return int32(len(p.values) - 1)
	}
	return 0
}
