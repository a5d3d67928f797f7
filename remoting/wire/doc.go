// Package wire is the codec of RocketMQ's remoting protocol: frames, the two
// header serializations, code numbers, and the bodies and ext fields of the
// requests that the server and its raw client speak. It is pure: bytes to
// structs and back, no I/O, no logging, no configuration.
//
// Decoders alias their input: what they return is valid as long as the input is,
// and JSON strings are unescaped in place, so the input changes. Encoders append
// to a buffer and return it. No decoder panics or allocates by an announced
// length.
//
// A frame is, big endian:
//
//	length i32 (of what follows) | type u8 | header length u24 | header | body
package wire
