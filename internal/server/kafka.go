package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/gantrymq/gantry/core/wal"
	"github.com/gantrymq/gantry/core/wal/kafka"
)

// newKafka makes a log on Kafka. Only files are read yet.
func newKafka(ctx context.Context, cfg *Config, log *slog.Logger) (wal.WAL, error) {
	w := &cfg.WAL
	opt := kafka.Options{
		Brokers: w.Brokers, Topic: w.Topic, Cluster: cfg.Cluster, Node: node(),
		Replication: w.Replication, NoCreate: !w.Create, Compression: w.Compression,
		Dir: cfg.Data, CacheBytes: w.CacheBytes, Logger: log,
	}
	var err error
	if w.TLS.Enabled {
		if opt.TLS, err = w.TLS.load(); err != nil {
			return nil, err
		}
	}
	if w.SASL.Mechanism != "none" {
		if opt.SASL, err = w.SASL.load(); err != nil {
			return nil, err
		}
	}
	return kafka.New(ctx, opt), nil
}

// node names this process for those who look at the log.
func node() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s, pid %d", host, os.Getpid())
}

func (t *brokerTLS) load() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CA != "" {
		pem, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, fmt.Errorf("wal.tls.ca: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("wal.tls.ca: %s holds no certificate", t.CA)
		}
	}
	if t.Cert != "" {
		pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("wal.tls.cert, wal.tls.key: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

func (s *saslConfig) load() (kafka.SASL, error) {
	password, err := os.ReadFile(s.PasswordFile)
	if err != nil {
		return kafka.SASL{}, fmt.Errorf("wal.sasl.password_file: %w", err)
	}
	return kafka.SASL{Mechanism: s.Mechanism, User: s.User, Password: strings.TrimRight(string(password), "\r\n")}, nil
}

// validateKafka says what is wrong with the keys of a log on Kafka.
func (c *Config) validateKafka() (errs []error) {
	w := &c.WAL
	if w.Engine != EngineKafka {
		return nil
	}
	if len(w.Brokers) == 0 {
		errs = append(errs, c.errorf("wal.brokers", "is empty; wal.engine: kafka needs a broker to begin with, HOST:PORT"))
	}
	for _, b := range w.Brokers {
		if _, _, err := net.SplitHostPort(b); err != nil {
			errs = append(errs, c.errorf("wal.brokers", "%q is no address: write HOST:PORT", b))
		}
	}
	if w.Topic == "" || strings.Trim(w.Topic, topicLetters) != "" || len(w.Topic) > 200 {
		errs = append(errs, c.errorf("wal.topic", "%q is no name of a Kafka topic", w.Topic))
	}
	if (w.TLS.Cert == "") != (w.TLS.Key == "") {
		errs = append(errs, c.errorf("wal.tls.cert", "a certificate and its key belong together"))
	}
	if w.SASL.Mechanism != "none" && (w.SASL.User == "" || w.SASL.PasswordFile == "") {
		errs = append(errs, c.errorf("wal.sasl.mechanism", "needs wal.sasl.user and wal.sasl.password_file"))
	}
	return errs
}

const topicLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

// lagLimit is how long Kafka may leave a frame unacknowledged before clients are
// kept away.
const lagLimit = 10 * time.Second

// lagging says that nothing is acknowledged now.
func lagging(w *kafka.WAL) error {
	stats, open := w.Stats(0)
	switch {
	case !open || stats.Oldest < lagLimit:
		return nil
	case stats.Frozen:
		return errors.New("frozen: what Kafka holds is being read back")
	}
	return fmt.Errorf("nothing has been acknowledged by Kafka for %v", stats.Oldest.Round(time.Second))
}
