package model

import (
	"time"
)

// GroupConfig is what users set of a consumer group. The zero value but for the
// name is what a group has that was made by its first use.
type GroupConfig struct {
	Name string
	// Order says whether messages of one message group are delivered one after
	// the other.
	Order GroupOrder
	// From is where the group begins in a queue that it has no progress in.
	From StartFrom
	// MaxAttempts is how often a message is delivered before it goes to the dead
	// letters; 0: DefaultMaxAttempts.
	MaxAttempts int32
	// Backoff is how long a message waits after a failed attempt.
	Backoff Backoff
	// Disabled groups get nothing.
	Disabled bool
	// Attributes are kept and returned, and mean nothing to the server.
	Attributes map[string]string
}

// DefaultMaxAttempts is RocketMQ's: one delivery and 16 retries.
const DefaultMaxAttempts = 17

// GroupOrder says how a group's messages are ordered.
type GroupOrder uint8

const (
	// OrderAuto takes the topic's word: ordered where its message.type is FIFO.
	OrderAuto GroupOrder = iota
	// OrderFIFO delivers message groups in order, whatever the topic.
	OrderFIFO
	// OrderNone does not.
	OrderNone
)

// StartFrom is where a group begins.
type StartFrom uint8

const (
	// FromLatest begins at what is sent from now on.
	FromLatest StartFrom = iota
	// FromEarliest begins at the first message there is.
	FromEarliest
)

// Backoff gives the time between a failed attempt and the next one. If Steps is
// empty and Initial is 0 it is RocketMQ's 18 delay levels, the first after the first attempt.
type Backoff struct {
	Steps []time.Duration // after the n-th attempt; the last one for all that follow

	Initial, Max time.Duration // exponential, if Steps is empty
	Multiplier   float64
}

// retrySteps are RocketMQ's delay levels.
var retrySteps = [...]time.Duration{
	1 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second,
	1 * time.Minute, 2 * time.Minute, 3 * time.Minute, 4 * time.Minute, 5 * time.Minute,
	6 * time.Minute, 7 * time.Minute, 8 * time.Minute, 9 * time.Minute, 10 * time.Minute,
	20 * time.Minute, 30 * time.Minute, 1 * time.Hour, 2 * time.Hour,
}

// DelayLevel returns the delay of a level from 1 on; a higher one than the highest is
// the highest.
func DelayLevel(level int64) time.Duration { return retrySteps[min(level, int64(len(retrySteps)))-1] }

// DelayLevels returns RocketMQ's delay levels, level 1 first.
func DelayLevels() []time.Duration { return append([]time.Duration(nil), retrySteps[:]...) }

// maxBackoffSteps bounds what a group's settings carry.
const maxBackoffSteps = 64

// After returns how long a message waits that has failed attempt times.
func (b *Backoff) After(attempt int32) time.Duration {
	n := int(max(attempt, 1)) - 1
	switch {
	case len(b.Steps) > 0:
		return b.Steps[min(n, len(b.Steps)-1)]
	case b.Initial > 0:
		d := float64(b.Initial)
		for range n {
			if d *= max(b.Multiplier, 1); d >= float64(b.Max) {
				return b.Max
			}
		}
		return time.Duration(d)
	}
	return DelayLevel(int64(n) + 1)
}

// Attempts returns how often a message is delivered at most.
func (c *GroupConfig) Attempts() int32 {
	if c.MaxAttempts <= 0 {
		return DefaultMaxAttempts
	}
	return c.MaxAttempts
}

// Validate says what is wrong with a group's settings.
func (c *GroupConfig) Validate() error {
	if err := ValidGroup(c.Name); err != nil {
		return err
	}
	b := &c.Backoff
	switch {
	case c.Order > OrderNone, c.From > FromEarliest:
		return Errorf(InvalidGroup, "group %s: unknown order %d or start %d", c.Name, c.Order, c.From)
	case c.MaxAttempts < 0 || c.MaxAttempts > 1000:
		return Errorf(InvalidGroup, "group %s: %d attempts; it is 1 to 1000", c.Name, c.MaxAttempts)
	case len(b.Steps) > maxBackoffSteps:
		return Errorf(InvalidGroup, "group %s: %d steps of backoff, at most %d are allowed", c.Name, len(b.Steps), maxBackoffSteps)
	case b.Initial < 0 || b.Max < b.Initial || b.Multiplier < 0:
		return Errorf(InvalidGroup, "group %s: backoff from %v to %v times %v", c.Name, b.Initial, b.Max, b.Multiplier)
	}
	for _, d := range b.Steps {
		if d < 0 {
			return Errorf(InvalidGroup, "group %s: a backoff of %v", c.Name, d)
		}
	}
	return nil
}
