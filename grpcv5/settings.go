package grpcv5

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/grpcv5/apis"
)

// Values that clients are told.
const (
	sendAttempts      = 3
	sendBackoff       = 10 * time.Millisecond
	maxSendBackoff    = time.Second
	backoffMultiplier = 2

	receiveBatch    = 32
	longPolling     = 20 * time.Second
	liteQuota       = 2000
	maxLiteTopic    = 64
	defaultDeadline = 3 * time.Second // of a request, where a client does not say
)

// Limits of what is kept of a client's settings, and of client_properties.
const (
	maxSettings       = 1 << 20
	maxProperties     = 32
	maxPropertyKey    = 64
	maxPropertyValue  = 256
	maxPropertiesSize = 4 << 10
)

// declared is what a client last said of itself. It is immutable.
type declared struct {
	settings *apis.Settings // as the client sent it
	kind     apis.ClientType
	group    string // of a consumer
	topics   []string
	state    core.ClientState
}

func (d *declared) consumer() bool { return d.group != "" }

// push reports whether the client is one whose user's code is called: its nacks
// are the SDK's, by the backoff that the SDK knows of.
func (d *declared) push() bool {
	return d != nil && (d.kind == apis.ClientType_PUSH_CONSUMER || d.kind == apis.ClientType_LITE_PUSH_CONSUMER)
}

// deadline returns what the client gives a request.
func (d *declared) deadline() time.Duration {
	if d != nil {
		if t := d.settings.GetRequestTimeout().AsDuration(); t > 0 {
			return t
		}
	}
	return defaultDeadline
}

// declare takes a client's Settings: what it is, and for a consumer, in which
// group and with which subscriptions.
func (c *call) declare(s *session, said *apis.Settings) error {
	if n := proto.Size(said); n > maxSettings {
		return refuse(apis.Code_BAD_REQUEST, "settings of %d bytes; at most %d are kept", n, maxSettings)
	}
	if err := checkProperties(said.GetClientProperties()); err != nil {
		return err
	}
	d := &declared{settings: said, kind: said.GetClientType()}
	d.state = core.ClientState{ClientID: c.id, Language: header(c.ctx, headerLanguage)}
	for _, topic := range said.GetPublishing().GetTopics() {
		d.topics = append(d.topics, c.name(topic))
	}
	d.state.Producers = d.topics // a producer's group is its topic
	if sub := said.GetSubscription(); sub != nil {
		if err := c.subscribe(s, d, sub); err != nil {
			return err
		}
	}
	s.said.Store(d)
	if err := c.update(d); err != nil { // receives will be told
		c.server.log.Debug("a consumer is no member of its group", "client", c.id, "group", d.group, "err", err)
	}
	return nil
}

// subscribe reads a consumer's part of its Settings.
func (c *call) subscribe(s *session, d *declared, sub *apis.Subscription) (err error) {
	if d.group, err = c.group(sub.GetGroup()); err != nil {
		return err
	}
	consumer := core.Consumer{Group: d.group, Passive: d.push(), Pop: true}
	for _, entry := range sub.GetSubscriptions() {
		text := expression(entry.GetExpression())
		// What is wrong with an expression, a receive is told: Go would wait for ever
		// for an answer that has no settings.
		f, _ := s.filter(text)
		topic := c.name(entry.GetTopic())
		d.topics = append(d.topics, topic)
		consumer.Subscriptions = append(consumer.Subscriptions, core.Subscription{
			Topic: topic, Kind: text.kind, Expression: text.expression, Filter: f,
		})
	}
	d.state.Consumers = []core.Consumer{consumer}
	return nil
}

// update tells core of a consumer or a producer, whose lease as a member begins anew.
func (c *call) update(d *declared) error {
	if !d.consumer() && len(d.state.Producers) == 0 {
		return nil
	}
	return c.join(d.state)
}

// join makes the client what state says, and fixes where its groups begin.
func (c *call) join(state core.ClientState) error {
	s, client, err := c.begin()
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	client.Update(state, func(_ core.UpdateResult, err error) { done <- err })
	s.submit()
	return <-done
}

func checkProperties(m map[string]string) error {
	size := 0
	for k, v := range m {
		size += len(k) + len(v)
		if len(k) > maxPropertyKey || len(v) > maxPropertyValue {
			return refuse(apis.Code_INVALID_CLIENT_PROPERTIES, "client property %q: a key has at most %d bytes, a value %d", k, maxPropertyKey, maxPropertyValue)
		}
	}
	if len(m) > maxProperties || size > maxPropertiesSize {
		return refuse(apis.Code_INVALID_CLIENT_PROPERTIES, "%d client properties of %d bytes: at most %d of %d bytes are allowed",
			len(m), size, maxProperties, maxPropertiesSize)
	}
	return nil
}

// settings returns what a client is told: what it said itself, and the server's
// values. Java, Node and C# do not start a producer whose backoff is not
// exponential; Python heeds a consumer's only if it is customized.
func (s *Server) settings(d *declared) *apis.Settings {
	out := proto.Clone(d.settings).(*apis.Settings)
	out.Metric = &apis.Metric{On: false}
	switch {
	case out.GetSubscription() != nil:
		s.consumerSettings(out, d)
	case out.GetPublishing() != nil:
		s.producerSettings(out)
	}
	return out
}

func (s *Server) producerSettings(out *apis.Settings) {
	attempts := out.GetBackoffPolicy().GetMaxAttempts()
	if attempts <= 0 {
		attempts = sendAttempts
	}
	out.BackoffPolicy = &apis.RetryPolicy{MaxAttempts: attempts, Strategy: exponential(sendBackoff, maxSendBackoff, backoffMultiplier)}
	p := out.GetPublishing()
	p.MaxBodySize = int32(s.cfg.MaxBodyBytes)
	p.ValidateMessageType = true
}

func (s *Server) consumerSettings(out *apis.Settings, d *declared) {
	group := s.groupConfig(d.group)
	out.BackoffPolicy = &apis.RetryPolicy{MaxAttempts: group.Attempts()}
	setStrategy(out.BackoffPolicy, &group.Backoff)
	sub := out.GetSubscription()
	sub.Fifo = new(s.ordered(group, d.topics))
	sub.ReceiveBatchSize = new(int32(receiveBatch))
	if sub.GetLongPollingTimeout().AsDuration() <= 0 {
		sub.LongPollingTimeout = durationpb.New(longPolling)
	}
	sub.LiteSubscriptionQuota = new(int32(liteQuota))
	sub.MaxLiteTopicSize = new(int32(maxLiteTopic))
}

// groupConfig returns the settings of a group; those of one that its first use
// makes, where it does not exist.
func (s *Server) groupConfig(name string) *core.GroupConfig {
	if g, ok := s.engine.Group(name); ok {
		return &g.GroupConfig
	}
	return &core.GroupConfig{Name: name}
}

// ordered reports whether a group's messages come in order: it says so, or all
// its topics are FIFO.
func (s *Server) ordered(group *core.GroupConfig, topics []string) bool {
	if group.Order != core.OrderAuto {
		return group.Order == core.OrderFIFO
	}
	for _, name := range topics {
		if t, ok := s.engine.Topic(name); !ok || t.Kind() != core.KindFIFO {
			return false
		}
	}
	return len(topics) > 0
}

func setStrategy(p *apis.RetryPolicy, b *core.Backoff) {
	if len(b.Steps) == 0 && b.Initial > 0 {
		p.Strategy = exponential(b.Initial, b.Max, float32(b.Multiplier))
		return
	}
	steps := b.Steps
	if len(steps) == 0 {
		steps = core.DelayLevels()
	}
	next := make([]*durationpb.Duration, len(steps))
	for i, d := range steps {
		next[i] = durationpb.New(d)
	}
	p.Strategy = &apis.RetryPolicy_CustomizedBackoff{CustomizedBackoff: &apis.CustomizedBackoff{Next: next}}
}

func exponential(initial, limit time.Duration, multiplier float32) *apis.RetryPolicy_ExponentialBackoff {
	return &apis.RetryPolicy_ExponentialBackoff{ExponentialBackoff: &apis.ExponentialBackoff{
		Initial: durationpb.New(initial), Max: durationpb.New(limit), Multiplier: multiplier,
	}}
}

// expression returns a filter as core knows it.
func expression(e *apis.FilterExpression) filterText {
	if e.GetType() == apis.FilterType_SQL {
		return filterText{"SQL92", e.GetExpression()}
	}
	return filterText{"TAG", e.GetExpression()}
}
