// Package file is the embedded log: segment files in a folder, written with
// pwrite by the log's owner, synced with fdatasync by one goroutine for each log.
//
//	DIR/shard-0000/LOCK            held by the process that owns the shard
//	DIR/shard-0000/MANIFEST        epoch, boot id, clean mark, segments (manifest.go)
//	DIR/shard-0000/MANIFEST.tmp    room for the next one
//	DIR/shard-0000/log/N.log       a segment that begins at LSN N, 20 digits (segment.go)
//	DIR/shard-0000/log/spare.log   room for the next one (spare.go)
//	DIR/shard-0000/parts/NAME      a part (parts.go)
//
// The layouts and the rules of recovery are docs/format/segment.md.
//
// Append costs one pwrite: when it returns, the frame is in the page cache and
// survives the process. The syncer sleeps until Flush, Trim or Prepare asks; it
// has no clock. When to ask, and how much may be unsynced meanwhile, is the owner's
// business. A sync goes before all else, and nothing else is done in more than
// small steps. With Options.Manual there is no goroutine at all: the owner calls
// [Log.SyncStep], which makes the log steppable for a simulator.
//
// Any failed write, sync, create or rename ends the log. Nothing is tried again:
// after a failed fdatasync Linux may have dropped the pages and says success to
// the next one. The exceptions: a full disk that only hinders a reservation (the
// spare segment, room for the next MANIFEST), and parts.
//
// [Inspect] looks at a folder from outside and changes nothing. It runs the part
// of recovery that only reads, and so says what the next start would say.
//
// The rules that recovery lives by, each needed to survive some crash:
//   - MANIFEST holds a proven LSN. Everything below it was synced once, so what
//     cannot be verified there is damage, never a torn tail. Frames prove more:
//     each says up to where the log was durable when it was written.
//   - A segment is listed in MANIFEST before anything in it is called durable,
//     and after its own name is durable. So a listed file that is missing or has a
//     bad header is damage, and one that is not listed may be a creation that a
//     crash interrupted.
//   - A trim is in MANIFEST before its first file goes: what it left is told from
//     a foreign file by lying before the first one listed.
//   - The tail that recovery accepts is written again before it is synced, unless
//     it is proven: the last owner may have died of a failed fdatasync, and the
//     pages it left count as clean without being on disk.
//   - The boot id in MANIFEST is that of the last owner who wrote a frame and
//     synced it. An owner that finds another boot's torn log, and dies before its
//     first frame is durable, must leave that news to the next.
package file
