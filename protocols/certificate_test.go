package protocols

import (
	"bytes"
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"testing"
)

func TestACertificateIsMadeOnceAndKept(t *testing.T) {
	dir := t.TempDir()
	first, err := ServerTLS("", "", dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ServerTLS("", "", dir)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Certificates[0].Certificate[0], again.Certificates[0].Certificate[0]) {
		t.Error("another start makes another certificate")
	}
	if info, err := os.Stat(filepath.Join(dir, selfSignedKey)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v, %v", info, err)
	}
	if err := first.Certificates[0].Leaf.VerifyHostname("localhost"); err != nil {
		t.Error(err)
	}
	handshake(t, first)

	configured, err := ServerTLS(filepath.Join(dir, selfSignedCert), filepath.Join(dir, selfSignedKey), t.TempDir())
	if err != nil || !bytes.Equal(configured.Certificates[0].Certificate[0], first.Certificates[0].Certificate[0]) {
		t.Errorf("configured: %v", err)
	}
	for _, files := range [][2]string{{"x", ""}, {"", "x"}, {"x", "y"}} {
		if _, err := ServerTLS(files[0], files[1], dir); err == nil {
			t.Errorf("%q are taken", files)
		}
	}
}

func handshake(t *testing.T, cfg *tls.Config) {
	t.Helper()
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	served := make(chan error, 1)
	go func() { served <- tls.Server(far, cfg).Handshake() }()
	if err := tls.Client(near, &tls.Config{InsecureSkipVerify: true}).Handshake(); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}
