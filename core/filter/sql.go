package filter

import (
	"fmt"

	"github.com/gantrymq/gantry/core/internal/model"
)

// SyntaxError says why an SQL92 expression is refused, and where.
type SyntaxError struct {
	Offset int // in bytes
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("SQL92 expression at position %d: %s", e.Offset+1, e.Reason)
}

func parseSQL(expression string) (*Filter, error) {
	p, failure := compileSQL(expression)
	if failure != nil {
		err := model.Errorf(model.InvalidFilter, "%s", failure.Error())
		err.Err = failure
		return nil, err
	}
	if len(p.names) == 0 && p.evaluate(nil) == yes {
		return &Filter{}, nil // TRUE, or 1 = 1
	}
	return &Filter{sql: p}, nil
}
