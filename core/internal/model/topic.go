package model

// Perm says what a topic allows. The values are RocketMQ's.
type Perm uint8

// The permission bits.
const (
	PermInherit Perm = 1 // new topics copy the settings of this one (TBW102)
	PermWrite   Perm = 2
	PermRead    Perm = 4
)

// MaxQueues is the largest number of queues one topic may have on one shard.
const MaxQueues = 65536

// Durability says what a success answer to a send promises.
type Durability uint8

const (
	// DurabilityDefault takes the topic's level, and that the server's.
	DurabilityDefault Durability = iota
	// Written survives the death of the process: the bytes are with the
	// operating system. A power cut may take the last 200 ms or 4 MB.
	Written
	// Synced survives a power cut.
	Synced
)

// TopicConfig is what users set of a topic.
type TopicConfig struct {
	Name        string
	ReadQueues  int32
	WriteQueues int32
	Perm        Perm
	SysFlag     int32
	Order       bool
	System      bool              // made by the server itself
	Durability  Durability        // of its sends; default: the server's
	Attributes  map[string]string // message.type and the like, kept and returned
}

// Validate says what is wrong with a topic's settings.
func (c *TopicConfig) Validate() error {
	if err := ValidTopic(c.Name); err != nil {
		return err
	}
	if c.ReadQueues < 1 || c.ReadQueues > MaxQueues || c.WriteQueues < 1 || c.WriteQueues > MaxQueues {
		return Errorf(InvalidTopic, "topic %s: %d read and %d write queues; each must be 1 to %d",
			c.Name, c.ReadQueues, c.WriteQueues, MaxQueues)
	}
	if c.Perm > PermInherit|PermRead|PermWrite {
		return Errorf(InvalidTopic, "topic %s: permission %d is not a sum of 1, 2 and 4", c.Name, c.Perm)
	}
	if c.Durability > Synced {
		return Errorf(InvalidTopic, "topic %s: unknown durability %d", c.Name, c.Durability)
	}
	if v, ok := c.Attributes[AttrKind]; ok {
		if _, known := kindNames[v]; !known {
			return Errorf(InvalidTopic, "topic %s: %s is %q; it is NORMAL, FIFO, DELAY, TRANSACTION, PRIORITY, LITE or MIXED", c.Name, AttrKind, v)
		}
	}
	_, err := c.Retention(Retention{})
	return err
}

// Queues returns the number of queues that exist: more can be read than
// written while a topic shrinks, and the other way round while it grows.
func (c *TopicConfig) Queues() int32 { return max(c.ReadQueues, c.WriteQueues) }
