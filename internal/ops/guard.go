package ops

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
)

// sameSite refuses what a browser asks on behalf of another site: on loopback a
// browser is a local client, and any page it shows can make it ask. A port on
// loopback also refuses names but localhost, which end DNS rebinding.
func sameSite(next http.Handler, addr string) http.Handler {
	local := loopback(addr)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if foreign(r) || (local && !localHost(r.Host)) {
			http.Error(w, "gantry: requests from other sites are refused", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func foreign(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
	default:
		return true
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	u, err := url.Parse(origin)
	return err != nil || u.Host != r.Host
}

func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// localHost reports whether a Host header is an address or localhost.
func localHost(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	if host == "" || host == "localhost" {
		return true
	}
	if n := len(host); host[0] == '[' && host[n-1] == ']' {
		host = host[1 : n-1]
	}
	_, err = netip.ParseAddr(host)
	return err == nil
}
