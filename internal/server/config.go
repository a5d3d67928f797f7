package server

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/grpcv5"
	"github.com/gantrymq/gantry/internal/ops"
	"github.com/gantrymq/gantry/remoting"
)

// Config is the whole configuration of a process. Every field is a row of the
// table in keys.go, which says what it does, and can be set by file,
// environment and, for some, by flag.
type Config struct {
	Data    string
	Listen  string // host of every address that names none
	Auth    string
	Cluster string
	Grace   time.Duration // for the listeners to say goodbye

	Remoting  remoting.Config
	GRPC      grpcv5.Config
	TLS       tlsConfig
	WAL       walConfig
	Retention core.Retention // of topics that say nothing else; Age 0: for ever
	Engine    engineConfig
	Log       logConfig
	Ops       ops.Config

	origin map[string]source // by key; absent: the default
	hosted map[string]bool   // keys of addresses whose host came from listen
}

// tlsConfig is what the ports that speak TLS show.
type tlsConfig struct {
	CertFile string
	KeyFile  string
}

type walConfig struct {
	Engine        string
	Flush         string
	SegmentBytes  int64
	SnapshotBytes int64

	// The rest concerns the engine kafka alone.
	Brokers     []string
	Topic       string
	Replication int
	Create      bool
	Compression string
	CacheBytes  int64
	TLS         brokerTLS
	SASL        saslConfig
}

// brokerTLS is how Kafka's brokers are spoken to.
type brokerTLS struct {
	Enabled    bool
	CA         string // file; "": the system's
	Cert, Key  string // files; "": none
	ServerName string // "": that of the broker
}

type saslConfig struct {
	Mechanism    string
	User         string
	PasswordFile string
}

type engineConfig struct {
	CacheBytes      int64
	ColdReadBytes   int64
	InboxBytes      int64
	MaxMessageBytes int64
	MaxDelay        time.Duration
	Transaction     transactionConfig
	MaxTopics       int
	MaxGroups       int
	AutoTopics      bool
	AutoGroups      bool
}

type transactionConfig struct {
	Timeout  time.Duration
	Interval time.Duration
	Checks   int
}

type logConfig struct {
	Level  string
	Format string
}

// What auth, wal.engine, wal.flush and log.format may be.
const (
	AuthLoopback = "loopback"
	AuthOff      = "off"

	EngineFile  = "file"
	EngineKafka = "kafka"

	FlushAsync = "async"
	FlushSync  = "sync"

	LogAuto = "auto"
	LogText = "text"
	LogJSON = "json"
)

// Default is the configuration of a process that was told nothing.
func Default() Config {
	return Config{
		Data:    "./data",
		Listen:  "127.0.0.1",
		Auth:    AuthLoopback,
		Cluster: "DefaultCluster",
		Grace:   30 * time.Second,
		Remoting: remoting.Config{
			NamesrvAddr:    ":9876",
			Addr:           ":10911",
			Advertise:      "auto",
			MaxConnections: 20_000,
		},
		GRPC: grpcv5.Config{
			Addr:           ":8081",
			Advertise:      "auto",
			MaxConnections: 20_000,
			RequestBytes:   256 << 20,
			MaxDelay:       24 * time.Hour,
			Digest:         grpcv5.DigestMD5,
		},
		WAL: walConfig{
			Engine:        EngineFile,
			Flush:         FlushAsync,
			SegmentBytes:  256 << 20,
			SnapshotBytes: 64 << 20,
			Topic:         "gantry-wal",
			Replication:   3,
			Create:        true,
			Compression:   "none",
			CacheBytes:    8 << 30,
			SASL:          saslConfig{Mechanism: "none"},
		},
		Retention: core.Retention{Age: 72 * time.Hour},
		Engine: engineConfig{
			CacheBytes:      64 << 20,
			ColdReadBytes:   256 << 20,
			InboxBytes:      32 << 20,
			MaxMessageBytes: 4 << 20,
			MaxDelay:        40 * 24 * time.Hour,
			Transaction:     transactionConfig{Timeout: 6 * time.Second, Interval: 30 * time.Second, Checks: 15},
			MaxTopics:       100_000,
			MaxGroups:       100_000,
			AutoTopics:      true,
			AutoGroups:      true,
		},
		Log: logConfig{Level: "info", Format: LogAuto},
		Ops: ops.Config{Addr: "127.0.0.1:8082"},
	}
}

// Source tells where the value of a key comes from: "default",
// "gantry.yaml:12", "env GANTRY_DATA" or "flag --data".
func (c *Config) Source(key string) string {
	if s, ok := c.origin[key]; ok {
		return s.String()
	}
	return "default"
}

// complete fills in what follows from other keys: the host of addresses that
// name none. A bare port is an address without a host.
func (c *Config) complete() {
	c.hosted = make(map[string]bool)
	c.Remoting.NamesrvAddr = c.withHost("remoting.namesrv_addr", c.Remoting.NamesrvAddr)
	c.Remoting.Addr = c.withHost("remoting.addr", c.Remoting.Addr)
	c.GRPC.Addr = c.withHost("grpc.addr", c.GRPC.Addr)
	c.GRPC.MaxBodyBytes = int(c.Engine.MaxMessageBytes)
	// The admin port stays on this machine unless its own key says otherwise.
	if port, ok := hostless(c.Ops.Addr); ok {
		c.Ops.Addr = "127.0.0.1:" + port
	}
}

func (c *Config) withHost(key, addr string) string {
	port, ok := hostless(addr)
	if !ok {
		return addr
	}
	c.hosted[key] = true
	return net.JoinHostPort(strings.Trim(c.Listen, "[]"), port)
}

func hostless(addr string) (port string, ok bool) {
	if addr != "" && !strings.Contains(addr, ":") {
		return addr, true
	}
	return strings.CutPrefix(addr, ":")
}

// address is a configured address with the key that says it.
type address struct {
	key, addr string
}

// addresses lists every address that a process of this configuration binds.
func (c *Config) addresses() []address {
	return []address{
		{"remoting.namesrv_addr", c.Remoting.NamesrvAddr},
		{"remoting.addr", c.Remoting.Addr},
		{"grpc.addr", c.GRPC.Addr},
		{"ops.addr", c.Ops.Addr},
	}
}

// Validate says everything that is wrong with a configuration, one line each.
func (c *Config) Validate() error {
	var errs []error
	exposed := make(map[string][]string) // addresses that others reach, by the key to change
	for _, a := range c.addresses() {
		if err := validAddress(a.addr); err != nil {
			errs = append(errs, c.errorf(a.key, "%q is no address: %v; write HOST:PORT, :PORT or PORT", a.addr, err))
		} else if !loopback(a.addr) {
			key := c.blame(a.key)
			exposed[key] = append(exposed[key], a.addr)
		}
	}
	if c.Auth == AuthLoopback {
		for _, key := range slices.Sorted(maps.Keys(exposed)) {
			errs = append(errs, c.errorf(key, "%s can be reached from other machines, and there are no users yet: "+
				"write auth: off (--auth off, GANTRY_AUTH=off) to let everyone in, or listen on 127.0.0.1",
				strings.Join(exposed[key], " and ")))
		}
	}
	if err := errors.Join(c.Remoting.Validate(), c.GRPC.Validate()); err != nil && len(errs) == 0 {
		errs = append(errs, err)
	}
	if c.Data == "" {
		errs = append(errs, c.errorf("data", "is empty; name the folder for the log"))
	}
	if c.Cluster == "" {
		errs = append(errs, c.errorf("cluster", "is empty; name the cluster"))
	}
	errs = append(errs, c.validateKafka()...)
	if age := c.Retention.Age; age > 0 && age < time.Second {
		errs = append(errs, c.errorf("retention.age", "%v is less than a second; 0 keeps messages for ever", age))
	}
	return errors.Join(errs...)
}

// blame returns the key to change for the host that key's address is bound to.
func (c *Config) blame(key string) string {
	if c.hosted[key] {
		return "listen"
	}
	return key
}

// errorf names the key, and where its value comes from.
func (c *Config) errorf(key, format string, args ...any) error {
	return fmt.Errorf("%s (%s): %s", key, c.Source(key), fmt.Sprintf(format, args...))
}

func validAddress(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		var ae *net.AddrError
		if errors.As(err, &ae) {
			return errors.New(ae.Err)
		}
		return err
	}
	if host == "" {
		return errors.New("it has no host")
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q is no port", port)
	}
	return nil
}

// loopback reports whether addr can be reached from this machine only. A name
// other than localhost is taken to lead outside.
func loopback(addr string) bool {
	host, _, _ := net.SplitHostPort(addr)
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// level returns the log level as slog knows it; keys.go has checked the text.
func (l *logConfig) level() slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.Level)); err != nil {
		return slog.LevelInfo
	}
	return level
}

// brokerName is what the first shard is called in routes. Its own topic has the name.
const brokerName = "gantry-0"

// core translates what concerns the engine.
func (c *Config) core() core.Config {
	flush := core.Written
	if c.WAL.Flush == FlushSync {
		flush = core.Synced
	}
	return core.Config{
		Cluster:             c.Cluster,
		Flush:               flush,
		SegmentBytes:        c.WAL.SegmentBytes,
		SnapshotBytes:       c.WAL.SnapshotBytes,
		Retention:           c.retention(),
		CacheBytes:          c.Engine.CacheBytes,
		ColdReadBytes:       c.coldReadBytes(),
		InboxBytes:          int(c.Engine.InboxBytes),
		MaxMessageBytes:     int(c.Engine.MaxMessageBytes),
		MaxDelay:            c.Engine.MaxDelay,
		TransactionTimeout:  c.Engine.Transaction.Timeout,
		TransactionInterval: c.Engine.Transaction.Interval,
		TransactionChecks:   c.Engine.Transaction.Checks,
		MaxTopics:           c.Engine.MaxTopics,
		MaxGroups:           c.Engine.MaxGroups,
		NoAutoTopics:        !c.Engine.AutoTopics,
		NoAutoGroups:        !c.Engine.AutoGroups,
		SystemTopics:        remoting.SystemTopics(c.Cluster, brokerName),
	}
}

// coldReadBytes is below zero where there is no limit: the engine takes zero for
// one that was not set.
func (c *Config) coldReadBytes() int64 {
	if c.Engine.ColdReadBytes == 0 {
		return -1
	}
	return c.Engine.ColdReadBytes
}

// forever is an age that no message reaches. The engine takes a retention of
// zeros for one that was not set.
const forever = time.Duration(math.MaxInt64)

func (c *Config) retention() core.Retention {
	r := c.Retention
	if r == (core.Retention{}) {
		r.Age = forever
	}
	return r
}
