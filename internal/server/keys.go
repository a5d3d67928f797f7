package server

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/core/wal/kafka"
	"github.com/gantrymq/gantry/grpcv5"
)

// key is one row of the configuration: how it is written, what it does, and how
// text becomes its value and back.
type key struct {
	path string
	doc  string
	many bool // a list
	set  func(c *Config, text string) error
	get  func(c *Config) string
}

// env returns the environment variable that overrides the key.
func (k *key) env() string {
	return "GANTRY_" + strings.ToUpper(strings.ReplaceAll(k.path, ".", "_"))
}

// keys returns the table of all keys, in the order in which they are printed.
func keys() []key {
	return []key{
		text("data", "Folder of the log. Made if it does not exist.",
			func(c *Config) *string { return &c.Data }),
		text("listen", "Host of every address below that names none. Beyond loopback only with auth: off.",
			func(c *Config) *string { return &c.Listen }),
		choice("auth", "Who may connect. loopback: this machine, without credentials. off: everyone who reaches the port.",
			func(c *Config) *string { return &c.Auth }, AuthLoopback, AuthOff),
		text("cluster", "Name of the cluster in routes. Fixed by the first start on a data folder.",
			func(c *Config) *string { return &c.Cluster }),
		span("grace", "How long clients are given to go when the server stops.",
			func(c *Config) *time.Duration { return &c.Grace }),

		text("remoting.namesrv_addr", "Address of the RocketMQ name-server role: what clients are configured with.",
			func(c *Config) *string { return &c.Remoting.NamesrvAddr }),
		text("remoting.addr", "Address of the RocketMQ broker role. The VIP port is two below it.",
			func(c *Config) *string { return &c.Remoting.Addr }),
		text("remoting.advertise", "HOST or HOST:PORT that clients are told to dial. auto: the address by which each client reached the server.",
			func(c *Config) *string { return &c.Remoting.Advertise }),
		number("remoting.max_connections", "How many connections there may be, all ports together.",
			func(c *Config) *int { return &c.Remoting.MaxConnections }, 1, 1_000_000),
		number("remoting.max_connections_per_ip", "How many of them may come from one address. 0: no limit of its own.",
			func(c *Config) *int { return &c.Remoting.MaxConnectionsPerIP }, 0, 1_000_000),

		text("grpc.addr", "Address for RocketMQ's v5 clients (gRPC), with TLS and without.",
			func(c *Config) *string { return &c.GRPC.Addr }),
		text("grpc.advertise", "HOST or HOST:PORT that v5 clients are told to dial. auto: what each client dialled.",
			func(c *Config) *string { return &c.GRPC.Advertise }),
		number("grpc.max_connections", "How many connections there may be.",
			func(c *Config) *int { return &c.GRPC.MaxConnections }, 1, 1_000_000),
		number("grpc.max_connections_per_ip", "How many of them may come from one address. 0: no limit of its own.",
			func(c *Config) *int { return &c.GRPC.MaxConnectionsPerIP }, 0, 1_000_000),
		size("grpc.request_bytes", "How much may be being sent at once; clients are told to back off beyond.",
			func(c *Config) *int64 { return &c.GRPC.RequestBytes }, 1<<20, 1<<40),
		text("grpc.proxy_from", "Networks of load balancers that say by a PROXY header who a client is: 10.0.0.0/8, 192.0.2.7. Empty: none.",
			func(c *Config) *string { return &c.GRPC.ProxyFrom }),
		span("grpc.max_delay", "How far ahead the delivery time of a v5 client's message may be.",
			func(c *Config) *time.Duration { return &c.GRPC.MaxDelay }),
		choice("grpc.digest", "Checksum of delivered bodies. md5: what Apache RocketMQ sends. sha1: half the cost.",
			func(c *Config) *string { return &c.GRPC.Digest }, grpcv5.DigestMD5, grpcv5.DigestSHA1),

		text("tls.cert_file", "Certificate of the ports that speak TLS, in PEM. Empty: one signed by itself, made once and kept in the data folder.",
			func(c *Config) *string { return &c.TLS.CertFile }),
		text("tls.key_file", "Its private key, in PEM.",
			func(c *Config) *string { return &c.TLS.KeyFile }),

		choice("wal.engine", "Where the log is kept. file: segments in the data folder. kafka: a topic; the data folder is a cache then.",
			func(c *Config) *string { return &c.WAL.Engine }, EngineFile, EngineKafka),
		choice("wal.flush", "What a success answer promises. async: survives the process (a power cut may take the last 200 ms or 4 MB). sync: survives a power cut. The engine kafka always answers when all in-sync replicas have it.",
			func(c *Config) *string { return &c.WAL.Flush }, FlushAsync, FlushSync),
		size("wal.segment_bytes", "Size at which a segment of the log ends.",
			func(c *Config) *int64 { return &c.WAL.SegmentBytes }, 1<<20, 1<<30),
		size("wal.snapshot_bytes", "After how much log the state is written down. A start replays about so much, or four times what the last snapshot took, if that is more.",
			func(c *Config) *int64 { return &c.WAL.SnapshotBytes }, 1<<20, 1<<40),
		several("wal.brokers", "Kafka: brokers to begin with, HOST:PORT, a list or with commas.",
			func(c *Config) *[]string { return &c.WAL.Brokers }),
		text("wal.topic", "Kafka: topic of the log. What is derived from the log is in TOPIC-parts.",
			func(c *Config) *string { return &c.WAL.Topic }),
		number("wal.replication", "Kafka: replicas that the topics get, and must have. 1 keeps nothing when its broker is lost.",
			func(c *Config) *int { return &c.WAL.Replication }, 1, 100),
		toggle("wal.create", "Kafka: whether missing topics are made.",
			func(c *Config) *bool { return &c.WAL.Create }),
		choice("wal.compression", "Kafka: how frames are compressed on their way and in Kafka.",
			func(c *Config) *string { return &c.WAL.Compression }, "none", "lz4", "snappy", "zstd"),
		size("wal.cache_bytes", "Kafka: how much of the log is kept in the data folder, so that reading it asks Kafka nothing.",
			func(c *Config) *int64 { return &c.WAL.CacheBytes }, 0, 1<<60),
		toggle("wal.tls.enabled", "Kafka: whether brokers are reached by TLS.",
			func(c *Config) *bool { return &c.WAL.TLS.Enabled }),
		text("wal.tls.ca", "Kafka: file of the authorities that brokers' certificates come from. Empty: the system's.",
			func(c *Config) *string { return &c.WAL.TLS.CA }),
		text("wal.tls.cert", "Kafka: file of this server's certificate.",
			func(c *Config) *string { return &c.WAL.TLS.Cert }),
		text("wal.tls.key", "Kafka: file of its key.",
			func(c *Config) *string { return &c.WAL.TLS.Key }),
		text("wal.tls.server_name", "Kafka: name that brokers' certificates must have. Empty: the name they are dialled by.",
			func(c *Config) *string { return &c.WAL.TLS.ServerName }),
		choice("wal.sasl.mechanism", "Kafka: how this server says who it is.",
			func(c *Config) *string { return &c.WAL.SASL.Mechanism }, append([]string{"none"}, kafka.Mechanisms()...)...),
		text("wal.sasl.user", "Kafka: user of wal.sasl.",
			func(c *Config) *string { return &c.WAL.SASL.User }),
		text("wal.sasl.password_file", "Kafka: file with the password; a line end behind it is left out.",
			func(c *Config) *string { return &c.WAL.SASL.PasswordFile }),

		span("retention.age", "How long messages are kept at least. 0: for ever. A topic's attribute retention.ms says otherwise for the topic.",
			func(c *Config) *time.Duration { return &c.Retention.Age }),
		size("retention.bytes", "How much a queue keeps whatever its age; 0: any amount. What is beyond may go earlier. A topic's attribute retention.bytes says otherwise.",
			func(c *Config) *int64 { return &c.Retention.Bytes }, 0, 1<<60),
		toggle("retention.consumed", "Whether messages also stay until every group that reads their queue has consumed them. A topic's attribute retention (time, consumed) says otherwise.",
			func(c *Config) *bool { return &c.Retention.Consumed }),

		size("engine.cache_bytes", "How much of the log's end is kept in memory.",
			func(c *Config) *int64 { return &c.Engine.CacheBytes }, 1<<20, 1<<40),
		size("engine.cold_read_bytes", "How much a consumer group may read a second of what has left that memory, so that who catches up leaves the disk to others. 0: any amount.",
			func(c *Config) *int64 { return &c.Engine.ColdReadBytes }, 0, 1<<40),
		size("engine.inbox_bytes", "How much may wait for the loop before connections are read no further.",
			func(c *Config) *int64 { return &c.Engine.InboxBytes }, 1<<20, 1<<40),
		size("engine.max_message_bytes", "Largest body of a message.",
			func(c *Config) *int64 { return &c.Engine.MaxMessageBytes }, 1, 4<<20),
		span("engine.max_delay", "How far ahead a message may be delayed.",
			func(c *Config) *time.Duration { return &c.Engine.MaxDelay }),
		span("engine.transaction_timeout", "How long a transaction may be open before its producers are asked about it, unless its message says otherwise.",
			func(c *Config) *time.Duration { return &c.Engine.Transaction.Timeout }),
		span("engine.transaction_interval", "How long after that, and after each time, they are asked again.",
			func(c *Config) *time.Duration { return &c.Engine.Transaction.Interval }),
		number("engine.transaction_checks", "How often they are asked before a transaction is given up.",
			func(c *Config) *int { return &c.Engine.Transaction.Checks }, 1, 255),
		number("engine.max_topics", "How many topics sends may create.",
			func(c *Config) *int { return &c.Engine.MaxTopics }, 1, 10_000_000),
		number("engine.max_groups", "How many consumer groups there may be.",
			func(c *Config) *int { return &c.Engine.MaxGroups }, 1, 10_000_000),
		toggle("engine.auto_create_topics", "Whether a send to an unknown topic creates it.",
			func(c *Config) *bool { return &c.Engine.AutoTopics }),
		toggle("engine.auto_create_groups", "Whether an unknown consumer group is created when it comes.",
			func(c *Config) *bool { return &c.Engine.AutoGroups }),

		choice("log.level", "Least level that is logged.",
			func(c *Config) *string { return &c.Log.Level }, "debug", "info", "warn", "error"),
		choice("log.format", "auto: text on a terminal, JSON elsewhere.",
			func(c *Config) *string { return &c.Log.Format }, LogAuto, LogText, LogJSON),

		text("ops.addr", "Address of the admin port: /livez, /readyz, /metrics. On loopback unless a host is written here.",
			func(c *Config) *string { return &c.Ops.Addr }),
		toggle("ops.pprof", "Whether the admin port serves /debug/pprof.",
			func(c *Config) *bool { return &c.Ops.Pprof }),
	}
}

func text(path, doc string, field func(*Config) *string) key {
	return key{
		path: path, doc: doc,
		set: func(c *Config, s string) error { *field(c) = s; return nil },
		get: func(c *Config) string { return *field(c) },
	}
}

// several is a key of several values. A configuration file may have a sequence there.
func several(path, doc string, field func(*Config) *[]string) key {
	return key{
		path: path, doc: doc, many: true,
		set: func(c *Config, s string) error {
			*field(c) = nil
			for part := range strings.SplitSeq(s, ",") {
				if part = strings.TrimSpace(part); part != "" {
					*field(c) = append(*field(c), part)
				}
			}
			return nil
		},
		get: func(c *Config) string { return strings.Join(*field(c), ",") },
	}
}

func choice(path, doc string, field func(*Config) *string, values ...string) key {
	return key{
		path: path, doc: doc,
		set: func(c *Config, s string) error {
			if !slices.Contains(values, s) {
				return fmt.Errorf("%q is not one of %s", s, strings.Join(values, ", "))
			}
			*field(c) = s
			return nil
		},
		get: func(c *Config) string { return *field(c) },
	}
}

func toggle(path, doc string, field func(*Config) *bool) key {
	return key{
		path: path, doc: doc,
		set: func(c *Config, s string) error {
			switch s {
			case "true", "on", "yes":
				*field(c) = true
			case "false", "off", "no":
				*field(c) = false
			default:
				return fmt.Errorf("%q is neither true nor false", s)
			}
			return nil
		},
		get: func(c *Config) string { return strconv.FormatBool(*field(c)) },
	}
}

func number(path, doc string, field func(*Config) *int, low, high int) key {
	return key{
		path: path, doc: doc,
		set: func(c *Config, s string) error {
			n, err := strconv.Atoi(s)
			if err != nil {
				return fmt.Errorf("%q is no whole number", s)
			}
			if n < low || n > high {
				return fmt.Errorf("%d is not between %d and %d", n, low, high)
			}
			*field(c) = n
			return nil
		},
		get: func(c *Config) string { return strconv.Itoa(*field(c)) },
	}
}

func size(path, doc string, field func(*Config) *int64, low, high int64) key {
	return key{
		path: path, doc: doc,
		set: func(c *Config, s string) error {
			n, err := ParseSize(s)
			if err != nil {
				return err
			}
			if n < low || n > high {
				return fmt.Errorf("%s is not between %s and %s", s, formatSize(low), formatSize(high))
			}
			*field(c) = n
			return nil
		},
		get: func(c *Config) string { return formatSize(*field(c)) },
	}
}

func span(path, doc string, field func(*Config) *time.Duration) key {
	return key{
		path: path, doc: doc,
		set: func(c *Config, s string) error {
			d, err := time.ParseDuration(s)
			if err != nil || d < 0 {
				return fmt.Errorf("%q is no span of time; write 30s, 5m", s)
			}
			*field(c) = d
			return nil
		},
		get: func(c *Config) string { return field(c).String() },
	}
}

// units are the suffixes of sizes, largest first; all are powers of 1024.
var units = []struct {
	names []string
	shift uint
}{
	{[]string{"GiB", "GB", "G"}, 30},
	{[]string{"MiB", "MB", "M"}, 20},
	{[]string{"KiB", "KB", "K"}, 10},
}

// ParseSize reads a size: bytes, or 64KiB, 256MiB, 1GiB.
func ParseSize(s string) (int64, error) {
	digits, shift := s, uint(0)
	for _, u := range units {
		for _, name := range u.names {
			if rest, ok := strings.CutSuffix(s, name); ok && shift == 0 {
				digits, shift = strings.TrimSpace(rest), u.shift
			}
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > (1<<62)>>shift {
		return 0, fmt.Errorf("%q is no size; write bytes, or 64KiB, 256MiB, 1GiB", s)
	}
	return n << shift, nil
}

func formatSize(n int64) string {
	for _, u := range units {
		if unit := int64(1) << u.shift; n >= unit && n%unit == 0 {
			return strconv.FormatInt(n/unit, 10) + u.names[0]
		}
	}
	return strconv.FormatInt(n, 10)
}
