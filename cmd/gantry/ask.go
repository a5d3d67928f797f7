package main

import (
	"bufio"
	"fmt"
	"strings"
)

// deletion is something that is about to go for good.
type deletion struct {
	what, name string // as: topic orders
	with       string // all its messages
	goes       string // a sentence of what goes for good
}

// ask lets a person at a terminal type the name.
func (d *deletion) ask(around *surroundings) error {
	if !around.terminal {
		return fail(exitUsage, "delete %s %q: there is no terminal to ask at; write --yes to delete it with %s", d.what, d.name, d.with)
	}
	fmt.Fprintf(around.stderr, "%s. Type its name to delete it: ", d.goes)
	line, err := bufio.NewReader(around.stdin).ReadString('\n')
	if strings.TrimSpace(line) != d.name {
		if err != nil {
			fmt.Fprintln(around.stderr)
		}
		return fail(exitFailed, "%s %q was not deleted: that is not its name", d.what, d.name)
	}
	return nil
}
