package archtest

import (
	"strings"
)

// goroutineTable reads the packages of the table of goroutines in
// docs/ARCHITECTURE.md: the first column, a package in backquotes, of each row
// below the heading "Goroutines".
func goroutineTable(markdown string) []string {
	var packages []string
	inside := false
	for line := range strings.Lines(markdown) {
		if heading, ok := strings.CutPrefix(line, "#"); ok {
			inside = strings.TrimSpace(strings.TrimLeft(heading, "#")) == "Goroutines"
			continue
		}
		if !inside || !strings.HasPrefix(line, "| `") {
			continue
		}
		name, _, ok := strings.Cut(strings.TrimPrefix(line, "| `"), "`")
		if ok {
			packages = append(packages, name)
		}
	}
	return packages
}
