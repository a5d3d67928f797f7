package filter

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// answerFile holds what Apache's filter says to generated expressions.
// GANTRY_SQL_ANSWERS is another such file, of a longer run.
const answerFile = "testdata/sql92.txt"

// answers is such a file.
type answers struct {
	messages [][]byte
	asked    []asked
}

// asked is an expression with Apache's answers for the messages from first on.
type asked struct {
	expression string
	first      int
	want       string
}

const refused = "refused"

// TestSQL92AnswersAsApacheDoes compares the verdict on each expression, and its
// value for each message. What is meant to differ is in TestDifferences: nothing that
// is generated shows it.
func TestSQL92AnswersAsApacheDoes(t *testing.T) {
	a := loadAnswers(t)
	values, refusals := 0, 0
	for _, q := range a.asked {
		got := a.answer(q)
		if got != q.want {
			t.Errorf("%q\n  Apache %s\n  here   %s%s", q.expression, q.want, got, a.firstDifference(q, got))
		}
		if q.want == refused {
			refusals++
			continue
		}
		values += len(q.want)
	}
	t.Logf("%d values of %d expressions, and %d refused ones", values, len(a.asked)-refusals, refusals)
	if values < 20_000 || refusals < 1000 {
		t.Error("these are too few to tell")
	}
}

// answer evaluates an expression as Apache was asked to.
func (a *answers) answer(q asked) string {
	p, err := compileSQL(q.expression)
	if err != nil {
		return refused
	}
	n := len(q.want)
	if q.want == refused {
		n = 1
	}
	got := make([]byte, n)
	for i := range got {
		got[i] = "NFTE"[p.evaluate(a.message(q, i))]
	}
	return string(got)
}

func (a *answers) message(q asked, i int) []byte { return a.messages[(q.first+i)%len(a.messages)] }

// firstDifference shows a message that is judged otherwise, and why an expression
// is refused.
func (a *answers) firstDifference(q asked, got string) string {
	if got == refused {
		_, err := compileSQL(q.expression)
		return "\n  " + err.Error()
	}
	for i := range min(len(got), len(q.want)) {
		if got[i] != q.want[i] {
			return fmt.Sprintf("\n  for %q", a.message(q, i))
		}
	}
	return ""
}

func loadAnswers(t testing.TB) *answers {
	t.Helper()
	name := answerFile
	if other := os.Getenv("GANTRY_SQL_ANSWERS"); other != "" {
		name = other
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	a := &answers{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if err := a.add(lines.Text()); err != nil {
			t.Fatalf("%s: %q: %v", name, lines.Text(), err)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return a
}

// add reads a line: "p PROPERTIES", "e FIRST ANSWERS EXPRESSION" or a comment.
func (a *answers) add(line string) error {
	kind, rest, _ := strings.Cut(line, " ")
	switch kind {
	case "p":
		text, err := strconv.Unquote(rest)
		a.messages = append(a.messages, []byte(text))
		return err
	case "e":
		var q asked
		fields := strings.SplitN(rest, " ", 3)
		if len(fields) != 3 {
			return fmt.Errorf("it has %d fields", len(fields))
		}
		var err error
		if q.first, err = strconv.Atoi(fields[0]); err != nil {
			return err
		}
		q.want = fields[1]
		q.expression, err = strconv.Unquote(fields[2])
		a.asked = append(a.asked, q)
		return err
	}
	return nil
}
