package protocols

import (
	"net/netip"
)

// Advertiser decides which address a client is told to dial.
type Advertiser struct{}

// Told returns the host that the client behind remote is told, which reached us
// at local, as text for routes and as the IPv4 address for message hosts.
func (a *Advertiser) Told(local, remote netip.AddrPort) (host string, ipv4 netip.Addr) {
	return local.Addr().Unmap().String(), local.Addr().Unmap()
}
