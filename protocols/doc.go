// Package protocols is what all listeners share: the contract, the accept loop,
// limits on connections, and the addresses that clients are told. It knows no
// protocol.
//
// It starts no goroutine but one: the look-up of an advertised host name, at
// most one at a time, which ends with its look-up.
package protocols
