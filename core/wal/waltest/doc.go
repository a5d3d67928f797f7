// Package waltest is the one suite that every implementation of package wal
// passes. A test of an implementation calls [Run] with a constructor of a
// [Machine] and says in [Features] what the implementation promises.
package waltest
