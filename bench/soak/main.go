package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"time"
)

// options are the command line.
type options struct {
	binary  string
	seconds int
	rate    int // messages a second, all topics together
	topics  int
	port    int
	dir     string
}

const workers = 10

func main() {
	var o options
	flag.StringVar(&o.binary, "binary", "bin/gantry", "the server")
	flag.IntVar(&o.seconds, "seconds", 1800, "how long")
	flag.IntVar(&o.rate, "rate", 1000, "messages a second")
	flag.IntVar(&o.topics, "topics", 100, "topics, a multiple of 10")
	flag.IntVar(&o.port, "port", 29870, "the first of five ports")
	flag.StringVar(&o.dir, "dir", "", "where the data goes; a temporary folder if empty")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, &o); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

// soak is one run.
type soak struct {
	*options
	server *server
	began  time.Time

	sent, read, expired atomic.Int64
	deletions           atomic.Int64
	doubtful            atomic.Int64 // sends without an answer

	mu         sync.Mutex
	violations []string // guarded by mu
}

// violate notes what must not be.
func (s *soak) violate(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := fmt.Sprintf("%6.1fs  %s", time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
	if len(s.violations) < 100 {
		fmt.Println("VIOLATION", text)
	}
	s.violations = append(s.violations, text)
}

func run(ctx context.Context, o *options) error {
	s := &soak{options: o, began: time.Now()}
	if o.topics < workers || o.topics%workers != 0 {
		return fmt.Errorf("%d topics: want a multiple of %d", o.topics, workers)
	}
	temporary := o.dir == ""
	if temporary {
		var err error
		if o.dir, err = os.MkdirTemp("", "gantry-soak-"); err != nil {
			return err
		}
	}
	s.server = newServer(o)
	if _, err := s.server.start(ctx); err != nil {
		return err
	}
	rows, err := s.soak(ctx)
	if _, stopErr := s.server.stop(); stopErr != nil {
		s.violate("the last stop: %v", stopErr)
	}
	if err != nil {
		return err
	}
	s.judge(rows)
	if len(s.violations) > 0 {
		return fmt.Errorf("%d violations; the data is in %s", len(s.violations), o.dir)
	}
	if temporary {
		return os.RemoveAll(o.dir)
	}
	return nil
}

// soak lets workers, restarts and measurements go on until the time is over.
func (s *soak) soak(ctx context.Context) ([]row, error) {
	length := time.Duration(s.seconds) * time.Second
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	var group sync.WaitGroup
	var all []*worker
	for i := range workers {
		w := newWorker(s, i)
		all = append(all, w)
		group.Go(func() { w.run(ctx) })
	}
	var restartErr error
	group.Go(func() {
		restartErr = s.restart(ctx, max(length/10, 20*time.Second))
		if restartErr != nil {
			cancel()
		}
	})
	rows := s.measure(ctx, max(length/30, 5*time.Second))
	group.Wait()
	if restartErr != nil {
		return nil, restartErr
	}
	for _, w := range all {
		if err := w.drain(); err != nil {
			return nil, fmt.Errorf("read what is left: %w", err)
		}
	}
	return rows, nil
}

// restart ends the server now and then, one time as an operator does, the other
// as the kernel does, and starts it again.
func (s *soak) restart(ctx context.Context, every time.Duration) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		end, how := s.server.stop, "SIGTERM"
		if n%2 == 1 {
			end, how = s.server.kill, "kill -9"
		}
		ended, err := end()
		if err != nil {
			s.violate("%s: %v", how, err)
		}
		took, err := s.server.start(context.WithoutCancel(ctx))
		if err != nil {
			return errors.Join(fmt.Errorf("start after %s", how), err)
		}
		fmt.Printf("%6.1fs  %s, ended in %v, ready in %v\n", time.Since(s.began).Seconds(), how,
			ended.Round(time.Millisecond), took.Round(time.Millisecond))
		if limit := 10 * time.Second; took > limit {
			s.violate("the start after %s took %v, at most %v are allowed", how, took, limit)
		}
	}
}
