// Package delay is the set of messages that wait for their time, in the order in
// which they are due. It is pure: it does not know what time it is.
//
// A message takes 40 bytes without pointers, in sorted chunks of a hundred that
// share their rooms with their neighbours, so that a million of them are about
// 45 MB and nothing for the garbage collector to look at. Finding one costs two
// binary searches, the first one is at hand.
package delay
