package server

import (
	"io/fs"
	"os"
	"path"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
)

// limitMemory tells the Go runtime what the container allows: 80 % of the
// limit, less the cache that the engine keeps beside the heap. It returns the
// heap's limit, 0 where there is none to set or GOMEMLIMIT is set by hand.
func limitMemory(cache int64) int64 {
	if os.Getenv("GOMEMLIMIT") != "" {
		return 0
	}
	heap := heapLimit(cgroupLimit(os.DirFS("/")), cache)
	if heap > 0 {
		debug.SetMemoryLimit(heap)
	}
	return heap
}

// leastHeap keeps the collector from running all the time in a container that
// is too small for its cache.
const leastHeap = 32 << 20

func heapLimit(container, cache int64) int64 {
	if container <= 0 {
		return 0
	}
	return max(container/10*8-cache, leastHeap)
}

// unlimited is where a version 1 cgroup begins to mean "no limit".
const unlimited = 1 << 60

// cgroupLimit returns the least memory limit of the process's control groups,
// version 2 or 1; 0 if there is none. A limit may be set on any group above.
func cgroupLimit(root fs.FS) int64 {
	table, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0
	}
	least := int64(0)
	for line := range strings.Lines(string(table)) {
		// hierarchy:controllers:path
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		mount, file := "", ""
		switch {
		case parts[0] == "0" && parts[1] == "":
			mount, file = "sys/fs/cgroup", "memory.max"
		case slices.Contains(strings.Split(parts[1], ","), "memory"):
			mount, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		least = lower(least, groupLimit(root, mount, parts[2], file))
	}
	return least
}

// groupLimit returns the least limit from a group up to the mount.
func groupLimit(root fs.FS, mount, group, file string) int64 {
	least := int64(0)
	for dir := path.Join(mount, group); ; dir = path.Dir(dir) {
		if text, err := fs.ReadFile(root, path.Join(dir, file)); err == nil {
			if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n < unlimited {
				least = lower(least, n)
			}
		}
		if dir == mount || !strings.HasPrefix(dir, mount) {
			return least
		}
	}
}

// lower is the lesser of two limits, 0 meaning none.
func lower(a, b int64) int64 {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}
