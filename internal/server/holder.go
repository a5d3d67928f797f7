package server

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// portHolder names the process that listens on addr's port, as "pid 812 (java)".
// It returns "" where the kernel does not tell: another system than Linux, or a
// process of another user.
func portHolder(addr string) string {
	port := portOf(addr)
	if port <= 0 {
		return ""
	}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		for _, inode := range listeningInodes(table, port) {
			if pid := socketOwner(inode); pid != "" {
				return describe(pid)
			}
		}
	}
	return ""
}

// listeningInodes returns the sockets of a /proc/net/tcp table that listen on
// port. Its columns: slot, local address, remote address, state, ..., the tenth
// is the inode; state 0A is LISTEN.
func listeningInodes(table string, port int) []string {
	f, err := os.Open(table)
	if err != nil {
		return nil
	}
	defer f.Close()
	suffix := fmt.Sprintf(":%04X", port)
	var inodes []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		cols := strings.Fields(lines.Text())
		if len(cols) > 9 && cols[3] == "0A" && strings.HasSuffix(cols[1], suffix) {
			inodes = append(inodes, cols[9])
		}
	}
	return inodes
}

// socketOwner returns the process that has a socket open.
func socketOwner(inode string) (pid string) {
	want := "socket:[" + inode + "]"
	processes, err := os.ReadDir("/proc")
	if err != nil {
		return ""
	}
	for _, p := range processes {
		if _, err := strconv.Atoi(p.Name()); err != nil {
			continue
		}
		fds := filepath.Join("/proc", p.Name(), "fd")
		entries, err := os.ReadDir(fds)
		if err != nil {
			continue // not ours to look into
		}
		for _, e := range entries {
			if target, err := os.Readlink(filepath.Join(fds, e.Name())); err == nil && target == want {
				return p.Name()
			}
		}
	}
	return ""
}

// describe names a process for an operator. Its name is its own choice: quoted
// where it holds anything odd.
func describe(pid string) string {
	comm, err := os.ReadFile(filepath.Join("/proc", pid, "comm"))
	if err != nil {
		return "pid " + pid
	}
	name := strings.TrimSpace(string(comm))
	if quoted := strconv.Quote(name); quoted[1:len(quoted)-1] != name {
		name = quoted
	}
	return fmt.Sprintf("pid %s (%s)", pid, name)
}
