// Command sqloracle asks Apache's own SQL92 filter (conformance/oracle) what it
// makes of generated expressions and properties, and writes the answers down for
// the tests of core/filter.
//
//	sqloracle -oracle oracle/target/5.3.3 -pairs 20000 -out ../core/filter/testdata/sql92.txt
//
// The file has a line for each message, `p` and its properties, and one for each
// expression: `e`, the message to begin with, the answers for it and those after
// it, around the end of the list, and the expression. Answers are T, F, N for NULL, and E
// for an exception, or the word refused. Texts are quoted as in Go.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
)

// Messages of a file, and how many of them an expression is asked about.
const (
	messages  = 256
	perListed = 16
	perRandom = 8
)

// refusals is how many expressions that Apache refuses are kept, as a part of
// those it takes.
const refusals = 0.6

func main() {
	folder := flag.String("oracle", "oracle/target/5.3.3", "folder of the built oracle; its last part is the version")
	pairs := flag.Int("pairs", 20_000, "how many answers to ask for")
	seed := flag.Uint64("seed", 0, "seed of the generator; random if 0")
	out := flag.String("out", "../core/filter/testdata/sql92.txt", "file to write")
	flag.Parse()
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	fmt.Printf("sqloracle: seed %d\n", *seed)
	if err := run(*folder, *pairs, *seed, *out); err != nil {
		log.Fatal(err)
	}
}

func run(folder string, pairs int, seed uint64, out string) error {
	o, err := startOracle(folder)
	if err != nil {
		return err
	}
	defer o.stop()
	var b strings.Builder
	fmt.Fprintf(&b, "# What rocketmq-filter %s answers to generated expressions. Written by make sql-oracle, seed %d.\n", o.version, seed)
	g := generator{rand.New(rand.NewPCG(seed, 0))}
	for range messages {
		text := g.properties()
		fmt.Fprintf(&b, "p %s\n", strconv.QuoteToASCII(text))
		if err := o.add(text); err != nil {
			return err
		}
	}
	if err := ask(o, g, pairs, &b); err != nil {
		return err
	}
	return os.WriteFile(out, []byte(b.String()), 0o644)
}

// ask writes down the answers to every expression of the list, and to generated
// ones until there are enough.
func ask(o *oracle, g generator, pairs int, w io.Writer) error {
	written := make(map[string]bool)
	answered, taken, refused, next := 0, 0, 0, 0
	for i := 0; answered < pairs; i++ {
		listed := i < len(expressions)
		expression, count := "", perRandom
		if listed {
			expression, count = expressions[i], perListed
		} else {
			expression = g.expression()
		}
		if written[expression] {
			continue
		}
		answers, err := o.ask(expression, next, count)
		if err != nil {
			return err
		}
		if answers == oracleRefused {
			if !listed && float64(refused+1) > refusals*float64(taken) {
				continue
			}
			refused++
		} else {
			answered += len(answers)
			taken++
		}
		written[expression] = true
		fmt.Fprintf(w, "e %d %s %s\n", next, answers, strconv.QuoteToASCII(expression))
		next = (next + count) % messages
	}
	fmt.Printf("sqloracle: %d answers to %d expressions; %d refused\n", answered, taken, refused)
	return nil
}
