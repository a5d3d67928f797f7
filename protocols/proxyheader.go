package protocols

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// The PROXY protocol: a load balancer says before the first byte of the client's
// who the client is and what it dialled. Version 1 is a line of text, version 2
// binary; both are described in HAProxy's proxy-protocol.txt.
const (
	proxyV1Max  = 107 // the longest line, its end included
	proxyV2Head = 16
	proxyV2Max  = 4096 // of addresses and extensions; more is nobody's
)

var (
	proxyV1Begin = []byte("PROXY ")
	proxyV2Begin = []byte("\r\n\r\n\x00\r\nQUIT\n")

	errProxyHeader = errors.New("malformed PROXY header")
)

// ProxyHeader is what a load balancer says of a connection. It is invalid where
// the connection is the balancer's own (a health check).
type ProxyHeader struct {
	Client, Dialled netip.AddrPort
}

// ReadProxyHeader reads a PROXY header, if the connection begins with one. What it
// read of other bytes is returned in rest, in front of what the connection has.
func ReadProxyHeader(r io.Reader) (h ProxyHeader, rest []byte, err error) {
	buf := make([]byte, len(proxyV1Begin), proxyV1Max)
	for n := range buf { // byte by byte: a client may send less than a signature, and wait
		if _, err := io.ReadFull(r, buf[n:n+1]); err != nil {
			return h, nil, err
		}
		head := buf[:n+1]
		if !bytes.HasPrefix(proxyV1Begin, head) && !bytes.HasPrefix(proxyV2Begin, head) {
			return h, head, nil
		}
	}
	if bytes.Equal(buf, proxyV1Begin) {
		h, err = readProxyV1(r, buf)
		return h, nil, err
	}
	h, err = readProxyV2(r, buf)
	return h, nil, err
}

func readProxyV1(r io.Reader, line []byte) (h ProxyHeader, err error) {
	for !bytes.HasSuffix(line, []byte("\r\n")) {
		if len(line) == proxyV1Max {
			return h, errProxyHeader
		}
		line = append(line, 0)
		if _, err := io.ReadFull(r, line[len(line)-1:]); err != nil {
			return h, err
		}
	}
	return parseProxyV1(string(line[:len(line)-2]))
}

func parseProxyV1(line string) (h ProxyHeader, err error) {
	f := strings.Split(line, " ")
	if len(f) >= 2 && f[1] == "UNKNOWN" {
		return h, nil
	}
	if len(f) != 6 || f[1] != "TCP4" && f[1] != "TCP6" {
		return h, errProxyHeader
	}
	if h.Client, err = addrPort(f[2], f[4]); err != nil {
		return h, err
	}
	h.Dialled, err = addrPort(f[3], f[5])
	return h, err
}

func addrPort(ip, port string) (netip.AddrPort, error) {
	addr, err := netip.ParseAddr(ip)
	n, err2 := strconv.ParseUint(port, 10, 16)
	if err != nil || err2 != nil {
		return netip.AddrPort{}, fmt.Errorf("%w: address %q, port %q", errProxyHeader, ip, port)
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(n)), nil
}

func readProxyV2(r io.Reader, begin []byte) (h ProxyHeader, err error) {
	head := append(make([]byte, 0, proxyV2Head), begin...)[:proxyV2Head]
	if _, err := io.ReadFull(r, head[len(begin):]); err != nil {
		return h, err
	}
	size := int(binary.BigEndian.Uint16(head[14:]))
	if !bytes.HasPrefix(head, proxyV2Begin) || head[12]>>4 != 2 || size > proxyV2Max {
		return h, errProxyHeader
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		return h, err
	}
	return parseProxyV2(head[12]&0xf, head[13], body)
}

// parseProxyV2 reads the addresses; what stands behind them is extensions.
func parseProxyV2(command, family byte, body []byte) (h ProxyHeader, err error) {
	const (
		local = 0
		tcp4  = 0x11
		tcp6  = 0x21
	)
	ip := 0
	switch {
	case command == local:
		return h, nil
	case family == tcp4:
		ip = 4
	case family == tcp6:
		ip = 16
	default:
		return h, nil // a Unix socket, say: nobody's address
	}
	if len(body) < 2*ip+4 {
		return h, errProxyHeader
	}
	client, _ := netip.AddrFromSlice(body[:ip])
	dialled, _ := netip.AddrFromSlice(body[ip : 2*ip])
	ports := body[2*ip:]
	h.Client = netip.AddrPortFrom(client.Unmap(), binary.BigEndian.Uint16(ports))
	h.Dialled = netip.AddrPortFrom(dialled.Unmap(), binary.BigEndian.Uint16(ports[2:]))
	return h, nil
}

// ParseNets reads a list of networks or addresses, separated by commas or spaces.
func ParseNets(text string) ([]netip.Prefix, error) {
	var nets []netip.Prefix
	for _, item := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		p, err := netip.ParsePrefix(item)
		if err != nil {
			ip, err2 := netip.ParseAddr(item)
			if err2 != nil {
				return nil, fmt.Errorf("%q is neither a network (10.0.0.0/8) nor an address", item)
			}
			p = netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen())
		}
		nets = append(nets, p.Masked())
	}
	return nets, nil
}

// Within reports whether an address lies in one of the networks.
func Within(nets []netip.Prefix, a net.Addr) bool {
	ip := AddrPort(a).Addr()
	for _, n := range nets {
		if n.Contains(ip) {
			return true
		}
	}
	return false
}
