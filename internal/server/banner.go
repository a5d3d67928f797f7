package server

import (
	"fmt"
	"net"
	"strings"
	"time"
)

// banner is what a person sees at the start: every address, what clients are
// told, and what to do next.
func (s *server) banner(admin net.Addr) string {
	out := &strings.Builder{}
	fmt.Fprintf(out, "gantry %s  data %s  auth %s\n", s.opts.Version, s.folder(), s.access())
	for _, l := range s.bound {
		first := l.addrs[0].Addr.String()
		fmt.Fprintf(out, "%-18s %-20s clients are told %s\n", title(l.Name()), first, s.told(l))
	}
	fmt.Fprintf(out, "%-18s http://%s  /readyz /metrics\n", "Admin", admin)
	option := s.serverOption()
	fmt.Fprintf(out, "Try: gantry send%s hello \"first message\" ; gantry receive%s hello        ready in %d ms\n",
		option, option, time.Since(s.started).Milliseconds())
	return out.String()
}

// usualPort is where the commands look for a server that they are not told of.
const usualPort = "9876"

// serverOption is what the commands have to be told to find this server.
func (s *server) serverOption() string {
	for _, l := range s.bound {
		for _, b := range l.addrs {
			host, port, err := net.SplitHostPort(b.Addr.String())
			if err != nil || b.Role != "namesrv" || (port == usualPort && reachable(host)) {
				continue
			}
			if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
				host = "127.0.0.1"
			}
			return " -s " + net.JoinHostPort(host, port)
		}
	}
	return ""
}

// reachable reports whether a port bound to host answers on 127.0.0.1.
func reachable(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && (ip.IsUnspecified() || ip.Equal(net.IPv4(127, 0, 0, 1)))
}

func (s *server) folder() string {
	if s.fresh {
		return fmt.Sprintf("%s (%s, new)", s.cfg.Data, s.cfg.WAL.Engine)
	}
	stats := s.engine.Stats()
	return fmt.Sprintf("%s (%s, %d topics)", s.cfg.Data, s.cfg.WAL.Engine, stats.Topics)
}

func (s *server) access() string {
	if s.cfg.Auth == AuthOff {
		return "off: everyone who reaches a port may send and receive"
	}
	return "loopback: no remote clients (see --listen and auth: off)"
}

// title is how a listener is called in the banner.
func title(listener string) string {
	if listener == "remoting" {
		return "RocketMQ 4.x/5.x"
	}
	return listener
}

// told says which broker address clients will find in their routes.
func (s *server) told(l boundListener) string {
	for _, b := range l.addrs {
		if b.Role != "broker" {
			continue
		}
		host, port, err := net.SplitHostPort(b.Addr.String())
		if err != nil {
			continue
		}
		if own := s.cfg.Remoting.Advertise; own != "auto" {
			if _, _, err := net.SplitHostPort(own); err == nil {
				return own
			}
			host = own
		} else if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
			host = "<the address they came by>"
		}
		return net.JoinHostPort(host, port)
	}
	return "the address they came by"
}
