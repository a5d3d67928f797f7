package remoting

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"testing"

	"github.com/gantrymq/gantry/remoting/wire"
)

var update = flag.Bool("update", false, "write the documentation anew")

const document = "../docs/protocols/remoting.md"

// codes returns the request codes that package wire declares.
func codes(t *testing.T) map[wire.RequestCode]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "wire/codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	all := map[wire.RequestCode]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		kind, ok := spec.Type.(*ast.Ident)
		if !ok || kind.Name != "RequestCode" {
			return true
		}
		value, err := strconv.Atoi(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		all[wire.RequestCode(value)] = spec.Names[0].Name
		return true
	})
	return all
}

func TestEveryCodeIsHandledOrRefusedWithAReason(t *testing.T) {
	lines := map[wire.RequestCode]int{}
	for _, r := range table() {
		lines[r.code]++
		if r.name == "" || r.role == "" || r.family == "" || r.action == "" || r.handle == nil {
			t.Errorf("code %d: the line is not complete", r.code)
		}
	}
	for _, u := range unsupported() {
		lines[u.code]++
		if u.name == "" || u.reason == "" {
			t.Errorf("code %d: no name or no reason", u.code)
		}
	}
	known := codes(t)
	if len(known) < 150 {
		t.Fatalf("only %d codes are found in package wire", len(known))
	}
	for code, name := range known {
		if lines[code] != 1 {
			t.Errorf("%s (%d) has %d lines, want one", name, code, lines[code])
		}
	}
	for code := range lines {
		if known[code] == "" {
			t.Errorf("code %d is not one of package wire", code)
		}
	}
}

func TestDocumentationIsCurrent(t *testing.T) {
	want := documentation()
	if *update {
		if err := os.WriteFile(document, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s does not say what the table says: run go generate ./remoting", document)
	}
}
