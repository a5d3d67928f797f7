// Package cursor is a group's progress in one queue: the one thing that pull
// consumers move as a whole and, later, per-message consumers message by message.
// It is pure: decisions and their application, no clock and no log.
package cursor
