//go:build unix && !linux

package vfs

import (
	"errors"

	"golang.org/x/sys/unix"
)

func dataSync(fd int) error { return unix.Fsync(fd) }

func allocate(int, int64) error { return errors.ErrUnsupported }
