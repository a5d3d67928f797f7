package pace

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Clock counts from its start on the kernel's monotonic clock. It may be used by many goroutines.
type Clock struct {
	start time.Time
	mono  int64 // CLOCK_MONOTONIC at start, ns
}

// NewClock starts a clock at zero.
func NewClock() *Clock {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // cannot fail for this clock and a valid pointer
	return &Clock{start: time.Now(), mono: ts.Nano()}
}

// Now is the time since the clock's start.
func (c *Clock) Now() time.Duration { return time.Since(c.start) }

// Sleeper sleeps to absolute times of a Clock. It belongs to the goroutine that made it, whose thread it owns until
// Close.
type Sleeper struct {
	clock *Clock
	spin  time.Duration
}

// NewSleeper locks the calling goroutine to its thread and asks the kernel for exact timers there. The last spin of
// every wait is spent busy: more exact, and it costs that much CPU per wait.
func (c *Clock) NewSleeper(spin time.Duration) *Sleeper {
	runtime.LockOSThread()
	// 1 ns of slack instead of 50 µs. A kernel that refuses only makes the waits less exact.
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	return &Sleeper{clock: c, spin: spin}
}

// Close gives the thread back.
func (s *Sleeper) Close() { runtime.UnlockOSThread() }

// Until returns at time t of the clock or later, and says when. A time that has passed returns at once.
func (s *Sleeper) Until(t time.Duration) time.Duration {
	now := s.clock.Now()
	if wake := t - s.spin; now < wake {
		s.sleep(wake)
	}
	for now = s.clock.Now(); now < t; now = s.clock.Now() {
	}
	return now
}

func (s *Sleeper) sleep(t time.Duration) {
	ts := unix.NsecToTimespec(s.clock.mono + int64(t))
	for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &ts, nil) == unix.EINTR {
	}
}
