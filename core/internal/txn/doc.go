// Package txn is the set of transactions that are open, in the order in which they
// began. It is pure: it does not know what time it is.
//
// What a transaction's message is, and where it lies, package delay keeps: a
// prepared message is one that waits. What is here are the 24 bytes that it takes
// beyond that, without pointers, in sorted pages of 4 KiB.
package txn
