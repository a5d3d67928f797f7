package archtest

// module is the path that all packages of the tree begin with.
const module = "github.com/gantrymq/gantry"

// layers says which packages of the tree each package may import, tests aside.
// Both sides may end in "/..." for a folder and all below it. Arrows run one way:
// from the listeners down to the nouns.
var layers = []layer{
	{"core/internal/model", nil},
	{"core/record", []string{"core/internal/model"}},
	{"core/filter", []string{"core/internal/model", "core/record"}},
	{"core/auth", []string{"core/internal/model"}},
	{"core/wal", []string{"core/internal/model"}},
	{"core/wal/vfs", nil},
	{"core/wal/file", []string{"core/wal", "core/wal/vfs", "core/internal/model"}},
	{"core/wal/kafka", []string{"core/wal", "core/wal/vfs", "core/internal/model"}},
	{"core/wal/mem", []string{"core/wal", "core/internal/model"}},
	{"core/wal/waltest", []string{"core/wal", "core/wal/vfs", "core/internal/model"}},
	{"core/internal/cursor", []string{"core/internal/model", "core/record", "core/filter"}},
	{"core/internal/timer", []string{"core/internal/model"}},
	{"core/internal/delay", []string{"core/internal/model"}},
	{"core/internal/txn", []string{"core/internal/model"}},
	{"core/internal/index", []string{"core/internal/model", "core/record", "core/filter", "core/internal/cursor"}},
	{"core/internal/state", []string{"core/internal/model", "core/record", "core/filter", "core/internal/cursor", "core/internal/delay", "core/internal/txn"}},
	{"core/internal/shard", []string{
		"core/wal", "core/auth", "core/filter", "core/record",
		"core/internal/model", "core/internal/cursor", "core/internal/delay", "core/internal/index", "core/internal/state", "core/internal/timer", "core/internal/txn",
	}},
	{"core/internal/sim/...", []string{"core/...", "core"}},
	{"core", []string{"core/wal", "core/filter", "core/record", "core/auth", "core/internal/model", "core/internal/shard"}},

	{"protocols", []string{"core"}},
	{"remoting/wire", nil},
	{"remoting/client", []string{"remoting/wire"}},
	{"remoting/remotingtest", []string{"remoting/wire", "remoting/client"}},
	{"remoting", []string{"remoting/wire", "protocols", "core", "core/record", "core/filter", "core/auth"}},

	{"grpcv5/apis", nil},
	{"grpcv5", []string{"grpcv5/apis", "protocols", "core", "core/record", "core/filter", "core/auth"}},

	{"internal/archtest", nil},
	{"internal/memnet", nil},
	{"internal/ops", []string{"core"}},
	{"internal/server", []string{"core", "core/wal", "core/wal/file", "core/wal/kafka", "core/wal/mem", "protocols", "remoting", "grpcv5", "internal/ops"}},
	{"internal/waltool", []string{"core/record", "core/wal", "core/wal/file", "core/wal/vfs"}},
	{"cmd/gantry", []string{"core", "internal/ops", "internal/server", "internal/waltool", "remoting/wire", "remoting/client", "core/record"}},
	{"bench/...", []string{"bench/...", "remoting/wire", "remoting/client", "core/record"}},
}

// modules says which packages may import a module from elsewhere, tests aside. A
// name that ends in ".go" is a file name, allowed in every package. A module that
// is not in the table may be imported by nobody.
var modules = []layer{
	{"github.com/alecthomas/kong", []string{"cmd/gantry"}},
	{"github.com/klauspost/compress/...", []string{"remoting/wire", "grpcv5"}},
	{"github.com/pierrec/lz4/...", []string{"remoting/wire", "grpcv5"}},
	{"github.com/prometheus/client_golang/...", []string{"internal/ops", "protocols", "metrics.go"}},
	{"github.com/twmb/franz-go/pkg/kfake", []string{"core/internal/sim/..."}},
	{"github.com/twmb/franz-go/...", []string{"core/wal/kafka"}},
	{"go.yaml.in/yaml/v3", []string{"internal/server"}},
	{"golang.org/x/sync/...", []string{"internal/server", "cmd/gantry", "remoting", "protocols", "bench/..."}},
	{"golang.org/x/sys/...", []string{"core/wal/...", "core/internal/shard", "protocols", "remoting", "bench/..."}},
	{"google.golang.org/grpc/...", []string{"grpcv5/..."}},
	{"google.golang.org/protobuf/...", []string{"grpcv5/..."}},
	{"pgregory.net/rapid", []string{"core/internal/sim/...", "core/wal/waltest"}},
	{"github.com/cockroachdb/datadriven", []string{"core/internal/sim/..."}},
	{"github.com/google/go-cmp/...", []string{"core/internal/sim/...", "core/wal/waltest"}},
}

// pure packages turn arguments into results: no clock, no randomness, no
// goroutines, nothing of the operating system.
var pure = []string{
	"core/record",
	"core/filter",
	"core/auth",
	"core/internal/model",
	"core/internal/state",
	"core/internal/cursor",
	"core/internal/timer",
	"core/internal/delay",
	"core/internal/txn",
}

// codecs turn bytes into structs and back: besides being pure they log nothing
// and import the standard library and compression only.
var codecs = []string{"remoting/wire"}

// compression is what a codec may import beside the standard library.
var compression = []string{"github.com/klauspost/compress/...", "github.com/pierrec/lz4/..."}

// impureImports may not be imported by a pure package, nor what is below them.
// Of net, net/netip is allowed.
var impureImports = []string{"os", "net", "sync", "math/rand", "crypto/rand", "log", "syscall"}

// clockCalls may not be made by a pure package: time is an argument.
var clockCalls = []string{
	"time.Now", "time.Since", "time.Until", "time.Sleep", "time.After", "time.AfterFunc",
	"time.NewTimer", "time.NewTicker", "time.Tick",
}

// commands are where a program begins: they alone may print, log to the standard
// logger, and make a root context.
var commands = []string{"cmd/...", "bench/..."}

// programs run to their end and are no part of the server: their goroutines need
// no row in its documentation.
var programs = []string{"bench/..."}

// testOnly are packages that only tests use: they may import what tests may.
var testOnly = []string{"core/wal/waltest", "core/internal/sim/...", "remoting/remotingtest"}

// layer is one row: what may import which.
type layer struct {
	name    string
	allowed []string
}

// banned packages may be imported by nobody, tests included.
var banned = []string{"net/http/pprof", "expvar"}
