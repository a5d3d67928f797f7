package model

// Kind is what a message is to its topic. A topic's attribute message.type names
// the one it takes, or MIXED.
type Kind uint8

// The kinds. KindAny does not ask: the topic takes the message whatever it is.
const (
	KindAny Kind = iota
	KindNormal
	KindFIFO
	KindDelay
	KindTransaction
	KindPriority
	KindLite
)

// AttrKind is the attribute that names a topic's kind.
const AttrKind = "message.type"

var kindNames = map[string]Kind{
	"NORMAL": KindNormal, "FIFO": KindFIFO, "DELAY": KindDelay, "TRANSACTION": KindTransaction,
	"PRIORITY": KindPriority, "LITE": KindLite, "MIXED": KindAny,
}

// Kind returns what kind of messages a topic takes: NORMAL if it does not say,
// KindAny if it is MIXED.
func (c *TopicConfig) Kind() Kind {
	v, ok := c.Attributes[AttrKind]
	if k, known := kindNames[v]; ok && known {
		return k
	}
	return KindNormal
}

func (k Kind) String() string {
	for name, kind := range kindNames {
		if kind == k && k != KindAny {
			return name
		}
	}
	return "MIXED"
}
