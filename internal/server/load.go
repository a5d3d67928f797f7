package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Sources are what a configuration is made from, each stronger than the one
// before: the defaults, the file, the environment, the flags.
type Sources struct {
	File   string                      // "": none
	Getenv func(string) (string, bool) // nil: no environment
	Flags  map[string]string           // key to value, for flags that were given
}

// source is where a value was found.
type source struct {
	kind string // file, env, flag
	name string // gantry.yaml:12, GANTRY_DATA, --data
}

func (s source) String() string {
	if s.kind == "file" {
		return s.name
	}
	return s.kind + " " + s.name
}

// Load reads and checks a configuration. Its error has a line for every fault.
func Load(from Sources) (Config, error) {
	l := loader{cfg: Default(), keys: keys()}
	l.cfg.origin = make(map[string]source)
	if from.File != "" {
		l.file(from.File)
	}
	if from.Getenv != nil {
		l.environment(from.Getenv)
	}
	l.flags(from.Flags)
	if err := errors.Join(l.errs...); err != nil {
		return Config{}, err
	}
	l.cfg.complete()
	if err := l.cfg.Validate(); err != nil {
		return Config{}, err
	}
	return l.cfg, nil
}

type loader struct {
	cfg  Config
	keys []key
	errs []error
}

func (l *loader) find(path string) *key {
	for i := range l.keys {
		if l.keys[i].path == path {
			return &l.keys[i]
		}
	}
	return nil
}

func (l *loader) errorf(format string, args ...any) {
	l.errs = append(l.errs, fmt.Errorf(format, args...))
}

func (l *loader) set(k *key, value string, s source) {
	if err := k.set(&l.cfg, value); err != nil {
		l.errorf("%s: %s: %w", s, k.path, err)
		return
	}
	l.cfg.origin[k.path] = s
}

func (l *loader) environment(getenv func(string) (string, bool)) {
	for i := range l.keys {
		k := &l.keys[i]
		if value, ok := getenv(k.env()); ok && value != "" {
			l.set(k, value, source{"env", k.env()})
		}
	}
}

func (l *loader) flags(given map[string]string) {
	for _, path := range slices.Sorted(maps.Keys(given)) {
		value := given[path]
		s := source{"flag", "--" + flagName(path)}
		k := l.find(path)
		if k == nil {
			l.errorf("%s: no key %s", s, path)
			continue
		}
		l.set(k, value, s)
	}
}

// flagName is how a key is written on the command line.
func flagName(path string) string {
	return strings.NewReplacer(".", "-", "_", "-").Replace(path)
}

func (l *loader) file(path string) {
	content, err := os.ReadFile(path)
	if err != nil {
		l.errorf("read the configuration: %w", err)
		return
	}
	dec := yaml.NewDecoder(bytes.NewReader(content))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if !errors.Is(err, io.EOF) { // an empty file sets nothing
			l.errorf("%s: %s", path, yamlText(err))
		}
		return
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		l.errorf("%s: more than one YAML document; a configuration is one", path)
		return
	}
	l.mapping(path, "", doc.Content[0])
}

// yamlText turns the parser's own "yaml: line 3: ..." into text behind a file name.
func yamlText(err error) string {
	return strings.TrimPrefix(err.Error(), "yaml: ")
}

// mapping reads one level of the file; prefix is the path down to it.
func (l *loader) mapping(file, prefix string, node *yaml.Node) {
	if node.Kind == yaml.ScalarNode && node.Tag == "!!null" {
		return // a section with nothing in it, or a file of comments
	}
	if node.Kind != yaml.MappingNode {
		l.errorf("%s:%d: %sexpected keys and values", file, node.Line, label(prefix))
		return
	}
	seen := make(map[string]int)
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := node.Content[i], node.Content[i+1]
		path := prefix + name.Value
		if line, twice := seen[path]; twice {
			l.errorf("%s:%d: %s is already set in line %d", file, name.Line, path, line)
			continue
		}
		seen[path] = name.Line
		l.entry(file, path, name.Line, value)
	}
}

func label(prefix string) string {
	if prefix == "" {
		return ""
	}
	return strings.TrimSuffix(prefix, ".") + ": "
}

func (l *loader) entry(file, path string, line int, value *yaml.Node) {
	if value.Kind == yaml.AliasNode {
		value = value.Alias
	}
	k := l.find(path)
	switch {
	case k == nil && l.section(path):
		l.mapping(file, path+".", value)
	case k == nil:
		l.errorf("%s:%d: unknown key %s%s", file, line, path, l.suggest(path))
	case k.many && value.Kind == yaml.SequenceNode:
		l.set(k, sequence(value), source{"file", fmt.Sprintf("%s:%d", file, line)})
	case value.Kind != yaml.ScalarNode:
		l.errorf("%s:%d: %s: expected one value", file, line, path)
	case value.Tag == "!!null":
		l.errorf("%s:%d: %s: has no value; write one, or leave the key out", file, line, path)
	default:
		l.set(k, value.Value, source{"file", fmt.Sprintf("%s:%d", file, line)})
	}
}

// sequence writes a list as environment variables and flags have it.
func sequence(node *yaml.Node) string {
	var all []string
	for _, item := range node.Content {
		all = append(all, item.Value)
	}
	return strings.Join(all, ",")
}

// section reports whether path is the beginning of a key.
func (l *loader) section(path string) bool {
	for i := range l.keys {
		if strings.HasPrefix(l.keys[i].path, path+".") {
			return true
		}
	}
	return false
}

// suggest names the key that was probably meant: the nearest by edits.
func (l *loader) suggest(path string) string {
	best, distance := "", 1+len(path)/3
	for i := range l.keys {
		if d := edits(path, l.keys[i].path); d < distance {
			best, distance = l.keys[i].path, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// edits is the Levenshtein distance of two short words.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
