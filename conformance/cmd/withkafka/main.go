// Command withkafka runs another command while an Apache Kafka runs that every server which the command starts keeps
// its log in: withkafka [-nodes n] command args...
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"

	"github.com/gantrymq/gantry/conformance/harness"
)

func main() {
	nodes := flag.Int("nodes", 1, "how many nodes")
	flag.Parse()
	code, err := run(*nodes, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "withkafka:", err)
		code = 1
	}
	os.Exit(code)
}

func run(nodes int, command []string) (code int, err error) {
	if len(command) == 0 {
		return 2, fmt.Errorf("no command")
	}
	dir, err := os.MkdirTemp("", "gantry-kafka-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	kafka, err := harness.StartKafka(context.Background(), dir, nodes)
	if err != nil {
		return 0, err
	}
	defer kafka.Stop()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), kafka.Env("")...)
	err = cmd.Run()
	if _, ended := err.(*exec.ExitError); ended {
		return cmd.ProcessState.ExitCode(), nil
	}
	return 0, err
}
