package file

import "golang.org/x/sys/unix"

// systemBootID returns the kernel's random id of this boot, or "".
func systemBootID() string {
	id, err := unix.Sysctl("kern.bootsessionuuid")
	if err != nil {
		return ""
	}
	return id
}
