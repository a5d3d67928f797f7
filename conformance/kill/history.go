package kill

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// Outcome says what is known of a send.
type Outcome string

const (
	// Acknowledged: the success answer was read.
	Acknowledged Outcome = "ok"
	// Refused: the answer said that it did not and will not happen.
	Refused Outcome = "fail"
	// Unknown: no answer, or one that promises nothing; it happened at most once.
	Unknown Outcome = "info"
)

// Op is one send. Times are nanoseconds of one monotonic clock.
type Op struct {
	ID      string  `json:"id"`
	Queue   int32   `json:"queue"`
	Invoke  int64   `json:"invoke"`
	Return  int64   `json:"return"`
	Outcome Outcome `json:"outcome"`
	Offset  int64   `json:"offset"` // when acknowledged
	Why     string  `json:"why,omitempty"`
}

// Ledger is a history that is written down as it happens, on another file than the server's.
type Ledger struct {
	begin time.Time

	mu   sync.Mutex
	file *os.File      // guarded by mu, like all below
	out  *bufio.Writer // one JSON line an Op
	ops  []Op
}

// NewLedger creates the file.
func NewLedger(path string) (*Ledger, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	return &Ledger{begin: time.Now(), file: f, out: bufio.NewWriter(f)}, nil
}

// Now reads the ledger's clock.
func (l *Ledger) Now() int64 { return int64(time.Since(l.begin)) }

// Add writes down a finished operation.
func (l *Ledger) Add(op Op) error {
	line, err := json.Marshal(op)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ops = append(l.ops, op)
	_, err = l.out.Write(append(line, '\n'))
	return err
}

// Ops returns all operations so far.
func (l *Ledger) Ops() []Op {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Op(nil), l.ops...)
}

// Close ends the file.
func (l *Ledger) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.out.Flush(); err != nil {
		return err
	}
	return l.file.Close()
}

// ReadHistory reads what a Ledger wrote, to judge an old run again.
func ReadHistory(r io.Reader) ([]Op, error) {
	var ops []Op
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var op Op
		if err := json.Unmarshal(lines.Bytes(), &op); err != nil {
			return nil, fmt.Errorf("line %d: %w", len(ops)+1, err)
		}
		ops = append(ops, op)
	}
	return ops, lines.Err()
}
