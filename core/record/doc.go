// Package record is the bytes of the log: RocketMQ's message layout, its
// properties, and Gantry's own record kinds around them. It is pure: bytes to
// structs and back. The layouts are docs/format/record.md.
package record
