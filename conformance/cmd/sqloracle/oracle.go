package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// oracleRefused is the answer to an expression that Apache does not take.
const oracleRefused = "refused"

// oracle is the Java program, running.
type oracle struct {
	version string
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
}

func startOracle(folder string) (*oracle, error) {
	classes := filepath.Join(folder, "classes") + ":" + filepath.Join(folder, "lib", "*")
	o := &oracle{version: filepath.Base(folder), command: exec.Command("java", "-cp", classes, "gantry.conformance.FilterOracle")}
	o.command.Stderr = os.Stderr
	var err error
	if o.in, err = o.command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := o.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	o.out = bufio.NewReader(out)
	if err := o.command.Start(); err != nil {
		return nil, fmt.Errorf("start the oracle: %w", err)
	}
	return o, nil
}

// add tells the properties of a message.
func (o *oracle) add(properties string) error {
	_, err := fmt.Fprintf(o.in, "p %s\n", base64.StdEncoding.EncodeToString([]byte(properties)))
	return err
}

// ask returns the answers for messages from first on, or oracleRefused.
func (o *oracle) ask(expression string, first, count int) (string, error) {
	text := base64.StdEncoding.EncodeToString([]byte(expression))
	if _, err := fmt.Fprintf(o.in, "e %s %d %d\n", text, first, count); err != nil {
		return "", fmt.Errorf("ask the oracle: %w", err)
	}
	answers, err := o.out.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("the oracle does not answer: %w", err)
	}
	return strings.TrimSpace(answers), nil
}

func (o *oracle) stop() {
	_ = o.in.Close()
	_ = o.command.Wait()
}
