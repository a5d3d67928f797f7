package process

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Sample is what the kernel had counted for some processes, summed, at one moment.
type Sample struct {
	At         time.Time
	CPU        time.Duration // user and system
	System     time.Duration // the part of CPU spent in the kernel
	RSS        int64         // bytes resident now
	AnonRSS    int64         // the part of RSS that is not mapped files
	PeakRSS    int64         // largest RSS since the start of each process
	WriteBytes int64         // bytes sent towards the disk
	Syscalls   int64         // read- and write-like system calls, sockets included
	Switches   int64         // context switches, voluntary or not
}

// Take samples the processes. A process that is gone is an error: its server has died under the load.
func Take(pids []int) (Sample, error) {
	s := Sample{At: time.Now()}
	for _, pid := range pids {
		if err := s.add(pid); err != nil {
			return Sample{}, fmt.Errorf("sample process %d: %w", pid, err)
		}
	}
	return s, nil
}

func (s *Sample) add(pid int) error {
	cpu, err := cpuClock(pid)
	if err != nil {
		return err
	}
	s.CPU += cpu
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return err
	}
	share, err := systemShare(string(stat))
	if err != nil {
		return err
	}
	s.System += time.Duration(float64(cpu) * share)

	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return err
	}
	s.RSS += field(string(status), "VmRSS:") << 10
	s.AnonRSS += field(string(status), "RssAnon:") << 10
	s.PeakRSS += field(string(status), "VmHWM:") << 10

	io, err := os.ReadFile(filepath.Join(dir, "io"))
	if err != nil {
		return err
	}
	s.WriteBytes += field(string(io), "write_bytes:")
	s.Syscalls += field(string(io), "syscr:") + field(string(io), "syscw:")
	return s.addSwitches(dir)
}

func (s *Sample) addSwitches(dir string) error {
	tasks, err := filepath.Glob(filepath.Join(dir, "task", "*", "status"))
	if err != nil {
		return err
	}
	for _, name := range tasks {
		status, err := os.ReadFile(name)
		if err != nil {
			continue // the thread ended between the listing and the read
		}
		s.Switches += field(string(status), "voluntary_ctxt_switches:") + field(string(status), "nonvoluntary_ctxt_switches:")
	}
	return nil
}

// cpuClock reads the CPU clock of a whole process. The clock's id is made from the pid as clock_getcpuclockid(3) does
// it.
func cpuClock(pid int) (time.Duration, error) {
	const scheduled = 2 // CPUCLOCK_SCHED of the kernel: time on the CPU, in ns
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduled), &ts); err != nil {
		return 0, fmt.Errorf("read its CPU clock: %w", err)
	}
	return time.Duration(ts.Nano()), nil
}

// systemShare is the part of a process's CPU time that was spent in the kernel, from /proc/PID/stat.
func systemShare(stat string) (float64, error) {
	// The command's name stands in parentheses and may hold blanks and parentheses itself.
	_, rest, ok := cutLast(stat, ")")
	f := strings.Fields(rest)
	const utime, stime = 11, 12 // fields 14 and 15 of the line, counted from the state
	if !ok || len(f) <= stime {
		return 0, fmt.Errorf("unreadable stat line %q", stat)
	}
	user, err := strconv.ParseFloat(f[utime], 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseFloat(f[stime], 64)
	if err != nil {
		return 0, err
	}
	return system / max(user+system, 1), nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// field is the number after name at the start of a line of /proc text, or 0 when there is no such line.
func field(text, name string) int64 {
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok {
			continue
		}
		f := strings.Fields(rest)
		if len(f) == 0 {
			return 0
		}
		n, _ := strconv.ParseInt(f[0], 10, 64)
		return n
	}
	return 0
}
