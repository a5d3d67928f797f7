package archtest

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

const root = "../.."

// TestTree applies every rule to the whole tree.
func TestTree(t *testing.T) {
	all, err := load(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 50 {
		t.Fatalf("found %d files; the tree has more: wrong root?", len(all))
	}
	for _, f := range check(all, documented(t)) {
		t.Error(f)
	}
}

// TestGoroutineTableIsCurrent finds rows of packages that start none any more.
func TestGoroutineTableIsCurrent(t *testing.T) {
	all, err := load(root)
	if err != nil {
		t.Fatal(err)
	}
	var starting []string
	for _, s := range all {
		if !s.test && startsGoroutine(s) != nil {
			starting = append(starting, s.pkg)
		}
	}
	for _, pkg := range documented(t) {
		if !slices.Contains(starting, pkg) {
			t.Errorf("docs/ARCHITECTURE.md has a row for goroutines of %s, which starts none", pkg)
		}
	}
}

func documented(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs", "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	packages := goroutineTable(string(text))
	if len(packages) == 0 {
		t.Fatal("docs/ARCHITECTURE.md has no table of goroutines")
	}
	return packages
}
