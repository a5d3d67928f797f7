package shard

// Kept tells why the log is as long as it is. It is immutable.
type Kept struct {
	// Stays says why the oldest segment stays, as of the last look; empty while
	// there is but the one that grows.
	Stays StayReason
	// Groups are those that have not consumed messages that stay until they have, as
	// of the last look, the furthest behind first. There are 100 at most.
	Groups []GroupLag
}

// StayReason says why a segment of the log stays.
type StayReason string

// The reasons.
const (
	StaysRetained   StayReason = "retained"   // messages in it are within their retention
	StaysUnconsumed StayReason = "unconsumed" // they are not, and a group has not consumed them
	StaysSnapshot   StayReason = "snapshot"   // a start may need it: there are not yet two snapshots behind it
	StaysUnreadable StayReason = "unreadable" // its index, or a delayed message in it, cannot be read
	StaysPublished  StayReason = "published"  // a delayed message in it was published in the segment that grows
	StaysDelayed    StayReason = "delayed"    // messages in it wait for their time, and the disk has no room for copies
)

// StayReasons lists them.
func StayReasons() []StayReason {
	return []StayReason{StaysRetained, StaysUnconsumed, StaysSnapshot, StaysUnreadable, StaysPublished, StaysDelayed}
}

// Kept returns why the log is as long as it is. Safe for all goroutines.
func (s *Shard) Kept() Kept {
	if k := s.kept.Load(); k != nil {
		return *k
	}
	return Kept{}
}

// showKept shows a change of it.
func (s *Shard) showKept(change func(k *Kept)) {
	k := s.Kept()
	change(&k)
	s.kept.Store(&k)
}
