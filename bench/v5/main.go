package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/gantrymq/gantry/bench/report"
)

// modes are what the program can do.
var modes = map[string]func(context.Context, *options) (*report.Result, error){
	"send":    runSend,
	"mixed":   runMixed,
	"drain":   runDrain,
	"parked":  runParked,
	"delay":   runDelay,
	"pending": runPending,
	"polls":   runPolls,
	"empty":   runEmpty,
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "v5:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	o, err := parseOptions(args)
	if err != nil {
		return err
	}
	mode, ok := modes[o.mode]
	if !ok {
		return fmt.Errorf("no mode %q", o.mode)
	}
	r, err := mode(ctx, o)
	if err != nil || r == nil {
		return err
	}
	fmt.Println(r)
	if o.out == "" {
		return nil
	}
	return r.Write(o.out)
}
