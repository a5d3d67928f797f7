// Command soak runs a Gantry for a long time and looks for what long times bring out: messages and offsets that get
// lost, and memory, goroutines, open files and disk space that grow.
//
// It starts the binary on a data folder with small segments, and stops it every few minutes, in order and with kill -9
// in turn. A hundred topics are written to at a steady rate, and read. Most keep messages for seconds; some keep them
// until they are consumed, and are read late; some are deleted and made anew.
//
// A worker owns its topics and does one thing at a time with each, so what may be true of a topic is known at any
// moment: the ledger in ledger.go. It fails when an acknowledged message is neither read nor past its retention, is
// read twice, or is another one; when an offset goes back, be it that of the next message, the first one or a
// committed one; and at the end when a measure has grown since the warm-up.
package main
