// Package protocols is what all listeners share: the contract, the accept loop,
// limits and advertised addresses. It knows no protocol.
package protocols
