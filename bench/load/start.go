package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/gantrymq/gantry/bench/report"
)

// startTimeout is generous: a JVM on a busy machine needs many seconds.
const startTimeout = 90 * time.Second

// runStart is the mode start: it runs a command that starts a server, leaves the server running, and measures the time
// until a message that it was sent has been stored.
func runStart(o *options) (*report.Result, error) {
	if len(o.args) == 0 {
		return nil, errors.New("start: no command")
	}
	log := os.DevNull
	if o.log != "" {
		log = o.log
	}
	file, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	cmd := exec.Command(o.args[0], o.args[1:]...)
	cmd.Stdout, cmd.Stderr = file, file
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // it outlives this program and its terminal
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	if err := o.awaitFirstSend(exited); err != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) // and all that it started in its session
		return nil, err
	}
	r := &report.Result{Label: o.label, Program: "load", Command: o.command, StartMs: float64(time.Since(began).Microseconds()) / 1e3}
	fmt.Fprintln(os.Stderr, cmd.Process.Pid)
	return r, nil
}

// awaitFirstSend tries until a send has been answered. A command that fails ends the wait; one that ends well has left
// its server in the background.
func (o *options) awaitFirstSend(exited <-chan error) error {
	var last error
	pause := time.Millisecond
	for end := time.Now().Add(startTimeout); time.Now().Before(end); {
		select {
		case err := <-exited:
			if err != nil {
				return fmt.Errorf("start %s: %w", o.args[0], err)
			}
			exited = nil
		case <-time.After(pause):
		}
		pause = min(pause*21/20, 20*time.Millisecond) // exact for a fast start, no load beside a slow one
		if last = o.sendOne(); last == nil {
			return nil
		}
	}
	return fmt.Errorf("no message stored in %v: %w", startTimeout, last)
}

// sendOne stores one message in a topic that the server creates for it.
func (o *options) sendOne() error {
	ns, err := dialControl(o.namesrv)
	if err != nil {
		return err
	}
	defer ns.close()
	rt, known, err := ns.route("TBW102")
	if err != nil {
		return err
	}
	if !known {
		return errors.New("no broker is known yet")
	}
	broker, err := dialControl(rt.addr)
	if err != nil {
		return err
	}
	defer broker.close()
	one := *o
	one.topic, one.batch = "BenchStart", 1
	a, err := broker.call(codeSend, sendFields(&one, rt, 0, "WAIT\x01true\x02"), newBody(o.size, false))
	if err != nil {
		return err
	}
	if a.code != codeSuccess {
		return sendError(a)
	}
	return nil
}
