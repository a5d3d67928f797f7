package model

// Prepared stands for the delivery time of a message that waits for the end of its
// transaction. It is behind all times that a message can be delayed to.
const Prepared int64 = 1<<44 - 1

// Resolution is how a transaction ends.
type Resolution uint8

const (
	// Unresolved: the producer does not know yet. It will be asked again.
	Unresolved Resolution = iota
	// Commit publishes the message.
	Commit
	// Rollback forgets it.
	Rollback
)

func (r Resolution) String() string {
	return [...]string{"unresolved", "committed", "rolled back"}[r]
}
