package vfs

import "golang.org/x/sys/unix"

// dataSync is fdatasync, once: an error must reach the caller (see File.Sync).
func dataSync(fd int) error { return unix.Fdatasync(fd) }

func allocate(fd int, size int64) error {
	for {
		err := unix.Fallocate(fd, 0, 0, size)
		if err != unix.EINTR {
			return err
		}
	}
}
