// Package cursor is a group's progress in one queue. Pull consumers move its floor
// as a whole; per-message consumers lease messages above it, and acknowledge each:
// both may use one cursor.
//
// What happened is folded in by Apply, ApplyPop and ApplyAck, which know no clock:
// a Plan decides what the next consumer gets, and its Record is what is applied.
// Check says what a receipt is worth.
//
// Of the messages from the floor on the cursor knows in chunks of 64 which are done
// with; those in flight have a slot of 32 bytes. So a message that is stuck costs
// little, however many behind it are done with. In ordered groups each message
// group has a list of its unfinished messages; it is locked while anybody holds one
// of them, and the others go on.
//
// When something is due again follows from the slots: the schedule is not part of
// the image, and may be built anew at any time.
//
// The package is pure: time is an argument, there is no log, and one goroutine uses
// a cursor.
package cursor
