package main

import (
	"strings"
	"testing"
	"time"
)

// TestLedger proves that each kind of loss is found.
func TestLedger(t *testing.T) {
	now := time.Unix(1000, 0)
	filled := func() *ledger {
		l := newLedger()
		for i := range int64(4) {
			if err := l.stored(10+i, i, now); err != nil {
				t.Fatal(err)
			}
		}
		return l
	}
	ok := func(errs ...error) error {
		for _, err := range errs {
			if err != nil {
				return err
			}
		}
		return nil
	}
	tests := []struct {
		name string
		do   func(l *ledger) error
		want string
	}{
		{"all read", func(l *ledger) error {
			return ok(l.read(10, 0, now), l.read(11, 1, now), l.read(12, 2, now), l.read(13, 3, now))
		}, ""},
		{"one lost", func(l *ledger) error { return ok(l.read(10, 0, now), l.read(12, 2, now)) }, "message 1 at offset 11 is lost"},
		{"another one", func(l *ledger) error { return l.read(10, 1, now) }, "offset 10 holds message 1, and 0 was acknowledged there"},
		{"twice", func(l *ledger) error { return ok(l.read(10, 0, now), l.read(10, 0, now)) }, "offset 10 was read at 11"},
		{"never sent", func(l *ledger) error { _ = l.skip(14, time.Hour, now.Add(time.Hour)); return l.read(14, 4, now) }, "there twice or was never sent"},
		{"doubtful", func(l *ledger) error {
			l.doubtful[4] = true
			return ok(l.skip(14, time.Hour, now.Add(time.Hour)), l.read(14, 4, now))
		}, ""},
		{"doubtful twice", func(l *ledger) error {
			l.doubtful[4] = true
			return ok(l.skip(14, time.Hour, now.Add(time.Hour)), l.read(14, 4, now), l.read(15, 4, now))
		}, "there twice or was never sent"},
		{"expired", func(l *ledger) error { return l.skip(12, time.Minute, now.Add(time.Minute)) }, ""},
		{"gone too early", func(l *ledger) error { return l.skip(12, time.Minute, now.Add(59*time.Second)) }, "is lost: acknowledged 59s ago"},
		{"an offset again", func(l *ledger) error { return l.stored(13, 4, now) }, "message 4 got offset 13, though 13 was given before"},
		{"first goes back", func(l *ledger) error { return ok(l.bounds(5, 14), l.bounds(4, 14)) }, "the first offset went back from 5 to 4"},
		{"next goes back", func(l *ledger) error { return l.bounds(0, 13) }, "the next offset is 13, and 13 was given"},
		{"an offset again after deletion", func(l *ledger) error { l.deleted(); return l.stored(0, 4, now) }, "message 4 got offset 0"},
		{"deleted", func(l *ledger) error { l.deleted(); return ok(l.stored(14, 4, now), l.read(14, 4, now)) }, ""},
	}
	for _, tt := range tests {
		got := ""
		if err := tt.do(filled()); err != nil {
			got = err.Error()
		}
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
