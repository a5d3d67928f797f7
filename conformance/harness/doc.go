// Package harness starts what a conformance test needs: the server under test
// and programs that embed official clients. A client program is a process of
// its own, so that a client can die, and so that what one client keeps in
// globals does not reach another.
package harness
