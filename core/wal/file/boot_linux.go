package file

import (
	"os"
	"strings"
)

// systemBootID returns the kernel's random id of this boot, or "".
func systemBootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
