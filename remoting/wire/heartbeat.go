package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// Heartbeat is the body of 34.
type Heartbeat struct {
	ClientID    string         `json:"clientID"`
	Producers   []ProducerData `json:"producerDataSet"`
	Consumers   []ConsumerData `json:"consumerDataSet"`
	Fingerprint int64          `json:"heartbeatFingerprint"`
	// WithoutSub marks the short form of heartbeat V2: only a refresh.
	WithoutSub bool `json:"withoutSub"`
}

// ProducerData names a producer group of a client.
type ProducerData struct {
	Group string `json:"groupName"`
}

// ConsumerData is a client's part in a consumer group. The enums are names, or
// ordinals from C++.
type ConsumerData struct {
	Group         string         `json:"groupName"`
	Type          Enum           `json:"consumeType"`
	Model         Enum           `json:"messageModel"`
	From          Enum           `json:"consumeFromWhere"`
	Subscriptions []Subscription `json:"subscriptionDataSet"`
	UnitMode      bool           `json:"unitMode"`
}

// Subscription is what a consumer wants of one topic. The sets of tags and of
// their hashes are left out: clients do not agree on their form.
type Subscription struct {
	Topic      string `json:"topic"`
	Expression string `json:"subString"`
	Version    Int64  `json:"subVersion"`
	Type       string `json:"expressionType"`
}

// The enums of a consumer, in the order of their ordinals.
var (
	consumeTypes  = []string{"CONSUME_ACTIVELY", "CONSUME_PASSIVELY", "CONSUME_POP"}
	messageModels = []string{"BROADCASTING", "CLUSTERING"}
	consumeFrom   = []string{
		"CONSUME_FROM_LAST_OFFSET", "CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST",
		"CONSUME_FROM_MIN_OFFSET", "CONSUME_FROM_MAX_OFFSET",
		"CONSUME_FROM_FIRST_OFFSET", "CONSUME_FROM_TIMESTAMP",
	}
)

// Broadcast reports whether each member gets all messages.
func (c *ConsumerData) Broadcast() bool { return c.Model.Name(messageModels) == "BROADCASTING" }

// TypeName returns the consume type as RocketMQ names it.
func (c *ConsumerData) TypeName() string { return c.Type.Name(consumeTypes) }

// FromName returns where the consumer begins, as RocketMQ names it.
func (c *ConsumerData) FromName() string { return c.From.Name(consumeFrom) }

// Enum is a Java enum in JSON: its name or its ordinal.
type Enum string

// UnmarshalJSON takes a string or a number.
func (e *Enum) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, (*string)(e))
	}
	if string(b) == "null" {
		return nil
	}
	if _, err := strconv.ParseUint(string(b), 10, 8); err != nil {
		return fmt.Errorf("enum %.40s is neither a name nor an ordinal", b)
	}
	*e = Enum(b)
	return nil
}

// Name returns the enum's name, given the names by ordinal.
func (e Enum) Name(names []string) string {
	if n, err := strconv.Atoi(string(e)); err == nil && n >= 0 && n < len(names) {
		return names[n]
	}
	return string(e)
}

// Int64 is a number of 64 bits in JSON: plain, or in quotes. Go clients send
// nanoseconds, which a float64 does not hold.
type Int64 int64

// UnmarshalJSON takes a number or a string.
func (n *Int64) UnmarshalJSON(b []byte) error {
	b = bytes.Trim(b, `"`)
	if len(b) == 0 || string(b) == "null" {
		return nil
	}
	v, ok := parseInt(b, 64)
	if !ok {
		return fmt.Errorf("%.40s is not a number of 64 bits", b)
	}
	*n = Int64(v)
	return nil
}

// Decode reads a heartbeat.
func (h *Heartbeat) Decode(body []byte) error {
	*h = Heartbeat{}
	return decodeBody("heartbeat", body, h)
}

// decodeBody reads a JSON body. The standard decoder finds names in any case and
// ignores unknown ones, as fastjson does.
func decodeBody(what string, body []byte, v any) error {
	if err := checkDepth(body); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// checkDepth bounds the nesting of JSON before it is decoded by recursion.
func checkDepth(b []byte) error {
	depth, quoted := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{', c == '[':
			if depth++; depth > maxDepth {
				return errTooDeep
			}
		case c == '}', c == ']':
			depth--
		}
	}
	return nil
}

// ClientCheck is the body of 46.
type ClientCheck struct {
	ClientID     string        `json:"clientId"`
	Group        string        `json:"group"`
	Subscription *Subscription `json:"subscriptionData"`
}
