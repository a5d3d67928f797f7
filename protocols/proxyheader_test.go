package protocols

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
)

const proxyV2TCP4 = "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0f\xcb\x00\x71\x07\xc6\x33\x64\x09\x13\x88\x01\xbb\x03\x00\x00"

func TestProxyHeaders(t *testing.T) {
	v6 := "\r\n\r\n\x00\r\nQUIT\n\x21\x21\x00\x24" + strings.Repeat("\x00", 15) + "\x01" + strings.Repeat("\x00", 15) + "\x02\x00\x05\x00\x06"
	for _, tt := range []struct {
		name, in              string
		client, dialled, rest string
		bad                   bool
	}{
		{"version 1", "PROXY TCP4 203.0.113.7 198.51.100.9 5000 443\r\nPRI", "203.0.113.7:5000", "198.51.100.9:443", "", false},
		{"version 1 over IPv6", "PROXY TCP6 ::1 2001:db8::2 5 6\r\n", "[::1]:5", "[2001:db8::2]:6", "", false},
		{"version 1, unknown", "PROXY UNKNOWN whatever\r\n", "", "", "", false},
		{"version 1, no port", "PROXY TCP4 1.2.3.4 5.6.7.8 x 443\r\n", "", "", "", true},
		{"version 1, too long", "PROXY TCP4 " + strings.Repeat("1", 200), "", "", "", true},
		{"version 2, with an extension", proxyV2TCP4, "203.0.113.7:5000", "198.51.100.9:443", "", false},
		{"version 2 over IPv6", v6, "[::1]:5", "[::2]:6", "", false},
		{"version 2, the balancer's own", "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00", "", "", "", false},
		{"version 2, too short", "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x04abcd", "", "", "", true},
		{"version 3", "\r\n\r\n\x00\r\nQUIT\n\x31\x11\x00\x00", "", "", "", true},
		{"HTTP/2", "PRI * HTTP/2.0\r\n", "", "", "PRI", false},
		{"TLS", "\x16\x03\x01", "", "", "\x16", false},
	} {
		h, rest, err := ReadProxyHeader(strings.NewReader(tt.in))
		if (err != nil) != tt.bad {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if tt.bad {
			continue
		}
		if h.Client.IsValid() != (tt.client != "") || tt.client != "" && (h.Client.String() != tt.client || h.Dialled.String() != tt.dialled) || string(rest) != tt.rest {
			t.Errorf("%s: %v, rest %q", tt.name, h, rest)
		}
	}
	if _, _, err := ReadProxyHeader(strings.NewReader("PROX")); !errors.Is(err, io.EOF) {
		t.Errorf("cut off: %v", err)
	}
}

func FuzzProxyHeader(f *testing.F) {
	f.Add([]byte("PROXY TCP4 203.0.113.7 198.51.100.9 5000 443\r\n"))
	f.Add([]byte(proxyV2TCP4))
	f.Add([]byte("PRI * HTTP/2.0"))
	f.Fuzz(func(t *testing.T, in []byte) {
		_, rest, err := ReadProxyHeader(bytes.NewReader(in))
		if err == nil && !bytes.HasPrefix(in, rest) {
			t.Errorf("%q begins with %q", in, rest)
		}
	})
}

func TestNets(t *testing.T) {
	nets, err := ParseNets("10.0.0.0/8, 192.0.2.7 2001:db8::/32")
	if err != nil || len(nets) != 3 {
		t.Fatalf("%v, %v", nets, err)
	}
	for ip, want := range map[string]bool{"10.1.2.3": true, "192.0.2.7": true, "192.0.2.8": false, "2001:db8::1": true, "::ffff:10.0.0.1": true} {
		if got := Within(nets, &net.TCPAddr{IP: net.ParseIP(ip)}); got != want {
			t.Errorf("%s within: %v", ip, got)
		}
	}
	if _, err := ParseNets("10.0.0.0/8,localhost"); err == nil {
		t.Error("localhost is taken for a network")
	}
	if nets, err := ParseNets(""); err != nil || len(nets) != 0 {
		t.Errorf("%v, %v", nets, err)
	}
}
