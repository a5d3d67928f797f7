package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strings"
)

// fault is one violation of a rule.
type fault struct {
	rule, place, why string
}

func (f fault) String() string { return fmt.Sprintf("%s: %s: %s", f.place, f.rule, f.why) }

// rule is one thing that is checked of each file.
type rule struct {
	name  string
	check func(s *source, fault func(n ast.Node, format string, args ...any))
}

// rules returns all that are checked file by file. goroutines are the packages
// that may start some.
func rules(goroutines []string) []rule {
	return []rule{
		{"layers", checkLayers},
		{"modules", checkModules},
		{"banned", checkBanned},
		{"pure", checkPure},
		{"codec", checkCodec},
		{"init", checkInit},
		{"print", checkPrint},
		{"root context", checkContext},
		{"interface{}", checkAny},
		{"goroutines", func(s *source, fault func(ast.Node, string, ...any)) { checkGoroutines(s, goroutines, fault) }},
	}
}

// check applies all rules to all files.
func check(all []*source, goroutines []string) []fault {
	var faults []fault
	for _, s := range all {
		for _, r := range rules(goroutines) {
			r.check(s, func(n ast.Node, format string, args ...any) {
				faults = append(faults, fault{r.name, s.at(n), fmt.Sprintf(format, args...)})
			})
		}
	}
	return append(faults, checkDocs(all)...)
}

// find returns the row of a table that a name falls under, the longest first.
func find(table []layer, name string) (row layer, ok bool) {
	for _, l := range table {
		if within(name, l.name) && (!ok || len(l.name) > len(row.name)) {
			row, ok = l, true
		}
	}
	return row, ok
}

func checkLayers(s *source, fault func(ast.Node, string, ...any)) {
	row, ok := find(layers, s.pkg)
	if !ok {
		fault(s.file, "package %s has no row in the table of layers", s.pkg)
		return
	}
	if s.test {
		return
	}
	for _, spec := range s.file.Imports {
		target, ours := strings.CutPrefix(unquote(spec), module+"/")
		if ours && !in(target, row.allowed) {
			fault(spec, "%s must not import %s", s.pkg, target)
		}
	}
}

func checkModules(s *source, fault func(ast.Node, string, ...any)) {
	for _, spec := range s.file.Imports {
		target := unquote(spec)
		if !strings.Contains(strings.Split(target, "/")[0], ".") || within(target, module+"/...") {
			continue // the standard library, or ours
		}
		row, ok := find(modules, target)
		switch {
		case !ok:
			fault(spec, "%s is in no row of the table of modules", target)
		case !s.test && !in(s.pkg, row.allowed) && !slices.Contains(row.allowed, path.Base(s.name)):
			fault(spec, "%s must not import %s", s.pkg, target)
		}
	}
}

func checkBanned(s *source, fault func(ast.Node, string, ...any)) {
	for _, spec := range s.file.Imports {
		if slices.Contains(banned, unquote(spec)) {
			fault(spec, "%s registers itself on the default mux", unquote(spec))
		}
	}
}

func checkPure(s *source, fault func(ast.Node, string, ...any)) {
	if s.test || !in(s.pkg, slices.Concat(pure, codecs)) {
		return
	}
	for _, spec := range s.file.Imports {
		for _, impure := range impureImports {
			if target := unquote(spec); within(target, impure+"/...") && target != "net/netip" {
				fault(spec, "a pure package must not import %s", target)
			}
		}
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			fault(n, "a pure package starts no goroutine")
		case *ast.ChanType, *ast.SendStmt, *ast.SelectStmt:
			fault(n, "a pure package has no channels")
		case *ast.UnaryExpr:
			if n.Op == token.ARROW {
				fault(n, "a pure package has no channels")
			}
		case *ast.SelectorExpr:
			if name, ok := s.selects(n); ok && slices.Contains(clockCalls, name) {
				fault(n, "a pure package must not use %s: time is an argument", name)
			}
		}
		return true
	})
}

func checkCodec(s *source, fault func(ast.Node, string, ...any)) {
	if s.test || !in(s.pkg, codecs) {
		return
	}
	for _, spec := range s.file.Imports {
		target := unquote(spec)
		standard := !strings.Contains(strings.Split(target, "/")[0], ".")
		if !standard && !in(target, compression) {
			fault(spec, "a codec imports the standard library and compression only, not %s", target)
		}
	}
}

func checkInit(s *source, fault func(ast.Node, string, ...any)) {
	if s.made {
		return
	}
	for _, d := range s.file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			fault(f, "no init functions: tables are literals, the rest is constructed")
		}
	}
}

func checkPrint(s *source, fault func(ast.Node, string, ...any)) {
	if s.test || in(s.pkg, commands) {
		return
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		e, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		name, _ := s.selects(e)
		if strings.HasPrefix(name, "fmt.Print") || strings.HasPrefix(name, "log.") {
			fault(n, "%s: only commands print; log through the logger that was passed in", name)
		}
		return true
	})
}

func checkContext(s *source, fault func(ast.Node, string, ...any)) {
	if s.test || in(s.pkg, commands) {
		return
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		if e, ok := n.(*ast.SelectorExpr); ok {
			if name, _ := s.selects(e); name == "context.Background" || name == "context.TODO" {
				fault(n, "%s: contexts come from whoever calls", name)
			}
		}
		return true
	})
}

func checkAny(s *source, fault func(ast.Node, string, ...any)) {
	if s.made {
		return
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		if t, ok := n.(*ast.InterfaceType); ok && t.Methods.NumFields() == 0 {
			fault(n, "write any")
		}
		return true
	})
}

// checkGoroutines takes a go statement, and a call of a method named Go, for the
// start of a goroutine.
func checkGoroutines(s *source, allowed []string, fault func(ast.Node, string, ...any)) {
	if s.test || in(s.pkg, programs) || slices.Contains(allowed, s.pkg) {
		return
	}
	if n := startsGoroutine(s); n != nil {
		fault(n, "%s starts a goroutine and has no row in the table of goroutines in docs/ARCHITECTURE.md", s.pkg)
	}
}

func startsGoroutine(s *source) (where ast.Node) {
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			where = n
		case *ast.CallExpr:
			if sel, ok := n.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Go" && len(n.Args) == 1 {
				where = n
			}
		}
		return where == nil
	})
	return where
}

// checkDocs wants a package comment in every package: in doc.go, or in a file
// that has the package's name where there is little more than that file.
func checkDocs(all []*source) []fault {
	documented := make(map[string]bool)
	for _, s := range all {
		name := path.Base(s.name)
		if s.file.Doc != nil && (name == "doc.go" || name == path.Base(s.pkg)+".go") {
			documented[s.pkg] = true
		}
	}
	var faults []fault
	reported := make(map[string]bool)
	for _, s := range all {
		if !documented[s.pkg] && !reported[s.pkg] {
			reported[s.pkg] = true
			faults = append(faults, fault{"doc.go", s.pkg, "has no doc.go that says what the package is for"})
		}
	}
	return faults
}

func unquote(spec *ast.ImportSpec) string { return strings.Trim(spec.Path.Value, `"`+"`") }
