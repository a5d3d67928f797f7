package server

import (
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

func TestPortHolder(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/net/tcp"); err != nil {
		t.Skip("no /proc")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	if got := portHolder(addr); !strings.HasPrefix(got, "pid "+strconv.Itoa(os.Getpid())+" (") {
		t.Errorf("%s is held by %q, want this process", addr, got)
	}
	ln.Close()
	if got := portHolder(addr); got != "" {
		t.Errorf("%s is held by %q, want nobody", addr, got)
	}
}

func TestCgroupLimit(t *testing.T) {
	t.Parallel()
	text := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s + "\n")} }
	tests := []struct {
		name string
		root fstest.MapFS
		want int64
	}{
		{"none", fstest.MapFS{}, 0},
		{"version 2", fstest.MapFS{"proc/self/cgroup": text("0::/a/b"), "sys/fs/cgroup/a/b/memory.max": text("1000")}, 1000},
		{"version 2 without a limit", fstest.MapFS{"proc/self/cgroup": text("0::/a"), "sys/fs/cgroup/a/memory.max": text("max")}, 0},
		{"version 2, the lower one above", fstest.MapFS{"proc/self/cgroup": text("0::/a/b"), "sys/fs/cgroup/a/b/memory.max": text("1000"), "sys/fs/cgroup/a/memory.max": text("900")}, 900},
		{"version 2 within a namespace", fstest.MapFS{"proc/self/cgroup": text("0::/"), "sys/fs/cgroup/memory.max": text("800")}, 800},
		{"version 1", fstest.MapFS{"proc/self/cgroup": text("5:cpu:/x\n4:memory,hugetlb:/a"), "sys/fs/cgroup/memory/a/memory.limit_in_bytes": text("700")}, 700},
		{"version 1 without a limit", fstest.MapFS{"proc/self/cgroup": text("4:memory:/a"), "sys/fs/cgroup/memory/a/memory.limit_in_bytes": text("9223372036854771712")}, 0},
		{"a path that leads out", fstest.MapFS{"proc/self/cgroup": text("0::/../../x"), "sys/fs/cgroup/memory.max": text("600")}, 0},
	}
	for _, tt := range tests {
		if got := cgroupLimit(tt.root); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestHeapLimit(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	for _, tt := range []struct{ container, cache, want int64 }{
		{0, 64 * mb, 0},
		{1000 * mb, 64 * mb, 736 * mb},
		{64 * mb, 64 * mb, leastHeap},
	} {
		if got := heapLimit(tt.container, tt.cache); got != tt.want {
			t.Errorf("container of %d with a cache of %d: %d, want %d", tt.container, tt.cache, got, tt.want)
		}
	}
}
