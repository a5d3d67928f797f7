package server

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Print writes the configuration as a file that would give the same one, each
// value with where it comes from. explain adds what each key does.
func (c *Config) Print(w io.Writer, explain bool) error {
	out := &strings.Builder{}
	section := ""
	for _, k := range keys() {
		head, name, nested := strings.Cut(k.path, ".")
		if !nested {
			head, name = "", k.path
		}
		if head != section {
			section = head
			fmt.Fprintf(out, "%s:\n", head)
		}
		indent := ""
		if nested {
			indent = "  "
		}
		if explain {
			fmt.Fprintf(out, "%s# %s\n", indent, k.doc)
		}
		line := fmt.Sprintf("%s%s: %s", indent, name, scalar(k.get(c)))
		fmt.Fprintf(out, "%-40s # %s\n", line, c.Source(k.path))
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// scalar writes a value so that YAML reads the same text again: in quotes where
// it must be.
func scalar(value string) string {
	switch {
	case value == "", value == "null", strings.Trim(value[:1], plainFirst) != "", strings.Trim(value, plain) != "":
		return strconv.Quote(value)
	}
	return value
}

const (
	plainFirst = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./_"
	plain      = plainFirst + "-:@%+"
)
