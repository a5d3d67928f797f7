package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set by the linker.
var version = "dev"

// commands is the command line.
type commands struct {
	Serve       serveCommand       `cmd:"" help:"Run the broker."`
	Send        sendCommand        `cmd:"" help:"Send messages."`
	Receive     receiveCommand     `cmd:"" help:"Receive messages and print them."`
	Find        findCommand        `cmd:"" help:"Find messages by id or key and print them."`
	Topic       topicCommands      `cmd:"" help:"List, show, create and delete topics."`
	Group       groupCommands      `cmd:"" help:"List, show, create and delete consumer groups."`
	WAL         walCommands        `cmd:"" name:"wal" help:"Look at the log of a server that is stopped."`
	CheckConfig checkConfigCommand `cmd:"" help:"Check the configuration and print it, each key with its source."`
	Version     versionCommand     `cmd:"" help:"Print the version."`
}

// surroundings are what a command has around it; tests give their own.
type surroundings struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) (string, bool)
	terminal       bool // a person sits at stdin
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal ends ctx; from then on the next one ends the process.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], &surroundings{
		stdin:    os.Stdin,
		stdout:   os.Stdout,
		stderr:   os.Stderr,
		getenv:   os.LookupEnv,
		terminal: isTerminal(os.Stdin),
	}))
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// run executes one command line and returns its exit code.
func run(ctx context.Context, args []string, around *surroundings) (code int) {
	exited := -1 // by --help
	parser, err := kong.New(&commands{},
		kong.Name("gantry"),
		kong.Description("A message broker that RocketMQ clients talk to unchanged."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Writers(around.stdout, around.stderr),
		kong.Exit(func(code int) { exited = code }),
		kong.Vars{"server": serverDefault(around), "admin": adminDefault(around), "data": dataDefault(around)},
		kong.Bind(around),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err != nil {
		return report(around.stderr, err)
	}
	parsed, err := parser.Parse(args)
	switch {
	case exited >= 0:
		return exited
	case err != nil:
		fmt.Fprintf(around.stderr, "gantry: %v (see gantry --help)\n", err)
		return exitUsage
	}
	return report(around.stderr, parsed.Run())
}

// serverDefault is where the commands that need a server look for one.
func serverDefault(around *surroundings) string {
	if server, ok := around.getenv("GANTRY_SERVER"); ok && server != "" {
		return server
	}
	return "127.0.0.1:9876"
}

// adminDefault is where the commands that need an admin port look for one.
func adminDefault(around *surroundings) string {
	if admin, ok := around.getenv("GANTRY_ADMIN"); ok && admin != "" {
		return admin
	}
	return "127.0.0.1:8082"
}

// dataDefault is where the commands that look at a data folder look for one.
func dataDefault(around *surroundings) string {
	if data, ok := around.getenv("GANTRY_DATA"); ok && data != "" {
		return data
	}
	return "./data"
}

// The exit codes.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitUnreachable = 5
)

// failure is an error with an exit code of its own.
type failure struct {
	code int
	err  error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func fail(code int, format string, args ...any) error {
	return &failure{code, fmt.Errorf(format, args...)}
}

func exitCode(err error) int {
	if err == nil {
		return exitDone
	}
	if f, ok := errors.AsType[*failure](err); ok {
		return f.code
	}
	return exitFailed
}

// report prints an error, a line for each fault, and returns the exit code.
func report(stderr io.Writer, err error) int {
	if err == nil {
		return exitDone
	}
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(stderr, "gantry: %s\n", strings.TrimSuffix(line, "\n"))
	}
	return exitCode(err)
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(around *surroundings) error {
	_, err := fmt.Fprintf(around.stdout, "gantry %s\n", version)
	return err
}
