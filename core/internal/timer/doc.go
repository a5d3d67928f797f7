// Package timer is the one wheel of a shard: hierarchical, with a tick of one
// millisecond. It is pure: time is an argument, and nothing fires by itself.
//
// Timers are nodes of one pointer-free slab, in lists that are rings around a
// sentinel per slot: adding and cancelling cost a few stores, ten million timers
// are nothing for the garbage collector to look at.
package timer
