package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// source is one file of the tree.
type source struct {
	name    string // from the root of the tree, with slashes
	pkg     string // its folder
	test    bool   // a _test.go file, or of a package that only tests use
	made    bool   // by a generator, whose style is its own
	file    *ast.File
	fset    *token.FileSet
	imports map[string]string // path to local name
}

// at returns the place of a node, for messages.
func (s *source) at(n ast.Node) string {
	return s.name + ":" + strconv.Itoa(s.fset.Position(n.Pos()).Line)
}

// parse reads one file; src nil reads it from root.
func parse(fset *token.FileSet, root, name string, src any) (*source, error) {
	file, err := parser.ParseFile(fset, filepath.Join(root, filepath.FromSlash(name)), src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	s := &source{
		name:    name,
		pkg:     path.Dir(name),
		file:    file,
		fset:    fset,
		imports: make(map[string]string),
	}
	s.made = ast.IsGenerated(file)
	s.test = strings.HasSuffix(name, "_test.go") || in(s.pkg, testOnly)
	for _, spec := range file.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		local := path.Base(p)
		if spec.Name != nil {
			local = spec.Name.Name
		}
		s.imports[p] = local
	}
	return s, nil
}

// load reads every Go file of the module at root. Folders with a go.mod of their
// own are other modules.
func load(root string) ([]*source, error) {
	var all []*source
	fset := token.NewFileSet()
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		if d.IsDir() {
			if name != "." && foreign(p, d.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		s, err := parse(fset, root, name, nil)
		all = append(all, s)
		return err
	})
	return all, err
}

// foreign reports whether a folder holds nothing of this module.
func foreign(dir, base string) bool {
	if base == "testdata" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return true
	}
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// in reports whether a package or file is in a list whose names may end in "/...".
func in(name string, list []string) bool {
	for _, want := range list {
		if within(name, want) {
			return true
		}
	}
	return false
}

func within(name, want string) bool {
	if folder, all := strings.CutSuffix(want, "/..."); all {
		return name == folder || strings.HasPrefix(name, folder+"/")
	}
	return name == want
}

// selects reports whether an expression is the selector pkg.name of an imported
// package, as "time.Now".
func (s *source) selects(e ast.Expr) (selector string, ok bool) {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok {
		return "", false
	}
	id, ok := sel.X.(*ast.Ident)
	if !ok {
		return "", false
	}
	for p, local := range s.imports {
		if local == id.Name {
			return p + "." + sel.Sel.Name, true
		}
	}
	return "", false
}
