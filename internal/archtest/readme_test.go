package archtest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	fences   = regexp.MustCompile("(?s)```[a-z]*\n.*?```\n")
	headings = regexp.MustCompile(`(?m)^#+ `)
	spans    = regexp.MustCompile("`[^`\n]+`")
	ports    = regexp.MustCompile(`(?m)^\| ([0-9]+) \|`)
)

// readme is what does not depend on the language of a README.
type readme struct {
	examples []string // code blocks
	levels   []string // of the headings
	code     []string // what stands between backquotes, each once
	ports    []string // of the table
}

func readReadme(t *testing.T, name string) readme {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	r := readme{examples: fences.FindAllString(text, -1)}
	text = fences.ReplaceAllString(text, "")
	r.levels = headings.FindAllString(text, -1)
	r.code = spans.FindAllString(text, -1)
	slices.Sort(r.code)
	r.code = slices.Compact(r.code)
	for _, m := range ports.FindAllStringSubmatch(text, -1) {
		r.ports = append(r.ports, m[1])
	}
	return r
}

// TestReadmesSayTheSame compares what both languages must have alike: headings,
// examples, commands, settings, ports.
func TestReadmesSayTheSame(t *testing.T) {
	english, chinese := readReadme(t, "README.md"), readReadme(t, "README.zh-CN.md")
	if len(english.examples) < 5 || len(english.ports) < 4 || len(english.code) < 20 {
		t.Fatalf("README.md has less than it had: %d examples, %d ports, %d pieces of code", len(english.examples), len(english.ports), len(english.code))
	}
	if !slices.Equal(english.levels, chinese.levels) {
		t.Errorf("README.md has the headings %v, README.zh-CN.md %v", english.levels, chinese.levels)
	}
	if !slices.Equal(english.ports, chinese.ports) {
		t.Errorf("README.md has the ports %v, README.zh-CN.md %v", english.ports, chinese.ports)
	}
	for _, part := range []struct {
		what   string
		a, b   []string
		in, of string
	}{
		{"example", english.examples, chinese.examples, "README.md", "README.zh-CN.md"},
		{"example", chinese.examples, english.examples, "README.zh-CN.md", "README.md"},
		{"text", english.code, chinese.code, "README.md", "README.zh-CN.md"},
		{"text", chinese.code, english.code, "README.zh-CN.md", "README.md"},
	} {
		for _, piece := range part.a {
			if !slices.Contains(part.b, piece) {
				t.Errorf("%s has the %s %s, %s has not", part.in, part.what, strings.TrimSpace(piece), part.of)
			}
		}
	}
}
