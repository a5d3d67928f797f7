// Package pace tells load generators when to send: absolute sleeps on the monotonic clock, a schedule of intended
// times, and a measure of how late this machine wakes a sleeper that has nothing else to do (its hiccup).
//
// A latency counted from the intended time of a send includes the time that a late generator or a stalled server made
// the send wait. time.Sleep is too coarse for that: it was half a millisecond late where the kernel's timer is 20 µs
// late.
package pace
