package remoting

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/remoting/wire"
)

// keptPrefix begins the attributes in which settings are kept that mean something
// to tools and nothing to core. Those of a group's own have other names.
const keptPrefix = "remoting."

// groupSetting is a setting that core does not know: it is kept as text, where it
// is not the default.
type groupSetting struct {
	key string
	get func(*wire.GroupConfig) string
	set func(*wire.GroupConfig, string)
}

var groupSettings = []groupSetting{
	keptBool("consumeFromMinEnable", func(g *wire.GroupConfig) *bool { return &g.FromMinEnable }),
	keptBool("consumeBroadcastEnable", func(g *wire.GroupConfig) *bool { return &g.BroadcastEnable }),
	keptBool("notifyConsumerIdsChangedEnable", func(g *wire.GroupConfig) *bool { return &g.NotifyIDsChanged }),
	keptInt("retryQueueNums", func(g *wire.GroupConfig) *int32 { return &g.RetryQueues }),
	keptInt("retryMaxTimes", func(g *wire.GroupConfig) *int32 { return &g.RetryMaxTimes }),
	keptInt("groupSysFlag", func(g *wire.GroupConfig) *int32 { return &g.SysFlag }),
	keptInt("consumeTimeoutMinute", func(g *wire.GroupConfig) *int32 { return &g.TimeoutMinutes }),
	keptInt("brokerId", func(g *wire.GroupConfig) *int64 { return &g.BrokerID }),
	keptInt("whichBrokerWhenConsumeSlowly", func(g *wire.GroupConfig) *int64 { return &g.WhichBrokerIfSlow }),
	{
		key: "groupRetryPolicy",
		get: func(g *wire.GroupConfig) string { return string(wire.EncodeBody(g.RetryPolicy)) },
		set: func(g *wire.GroupConfig, v string) { _ = json.Unmarshal([]byte(v), &g.RetryPolicy) },
	},
	{
		key: "subscriptionDataSet",
		get: func(g *wire.GroupConfig) string { return string(g.Subscriptions) },
		set: func(g *wire.GroupConfig, v string) { g.Subscriptions = json.RawMessage(v) },
	},
}

func keptBool(key string, field func(*wire.GroupConfig) *bool) groupSetting {
	return groupSetting{
		key: key,
		get: func(g *wire.GroupConfig) string { return strconv.FormatBool(*field(g)) },
		set: func(g *wire.GroupConfig, v string) { *field(g) = v == "true" },
	}
}

func keptInt[T int32 | int64](key string, field func(*wire.GroupConfig) *T) groupSetting {
	return groupSetting{
		key: key,
		get: func(g *wire.GroupConfig) string { return strconv.FormatInt(int64(*field(g)), 10) },
		set: func(g *wire.GroupConfig, v string) {
			n, _ := strconv.ParseInt(v, 10, 64) // core keeps what this file has written
			*field(g) = T(n)
		},
	}
}

// attrStart is the attribute that says where a group begins: latest or earliest. Apache
// has no setting for it.
const attrStart = "start"

// maxAttempts is the most that core takes; more retries are kept as they were set.
const maxAttempts = 1000

// groupConfig turns settings into core's; old is what the group has.
func groupConfig(g *wire.GroupConfig, old core.GroupConfig) core.GroupConfig {
	config := core.GroupConfig{
		Name: g.Name, Order: old.Order, From: old.From, Disabled: !g.ConsumeEnable,
		MaxAttempts: min(max(g.RetryMaxTimes, 0), maxAttempts-1) + 1,
		Backoff:     backoff(&g.RetryPolicy),
		Attributes:  map[string]string{},
	}
	switch {
	case g.Orderly:
		config.Order = core.OrderFIFO
	case old.Order == core.OrderFIFO:
		config.Order = core.OrderAuto
	}
	if g.RetryMaxTimes == wire.DefaultRetryMaxTimes {
		config.MaxAttempts = 0
	}
	for key, value := range old.Attributes {
		if !strings.HasPrefix(key, keptPrefix) {
			config.Attributes[key] = value
		}
	}
	changeGroupAttributes(config.Attributes, g.Attributes)
	switch config.Attributes[attrStart] {
	case "earliest":
		config.From = core.FromEarliest
	case "latest":
		config.From = core.FromLatest
	}
	usual := wire.DefaultGroup()
	for _, s := range groupSettings {
		if v := s.get(g); v != s.get(&usual) {
			config.Attributes[keptPrefix+s.key] = v
		}
	}
	return config
}

// changeGroupAttributes applies what tools send: "+key" sets, "-key" takes away, a
// plain key sets.
func changeGroupAttributes(attributes, changes map[string]string) {
	for key, value := range changes {
		if name, ok := strings.CutPrefix(key, "-"); ok {
			delete(attributes, name)
			continue
		}
		attributes[strings.TrimPrefix(key, "+")] = value
	}
}

// backoff turns a retry policy into core's. Apache's tables begin with two times
// that no retry uses.
func backoff(p *wire.GroupRetryPolicy) core.Backoff {
	switch {
	case p.Type == wire.RetryExponential && p.Exponential != nil:
		e := p.Exponential
		return core.Backoff{
			Initial: milliseconds(e.Initial), Max: milliseconds(e.Max), Multiplier: float64(e.Multiplier),
		}
	case p.Type != wire.RetryExponential && p.Customized != nil && len(p.Customized.Next) > 0:
		next := p.Customized.Next
		var b core.Backoff
		for _, ms := range next[min(unusedSteps, len(next)-1):] {
			b.Steps = append(b.Steps, milliseconds(ms))
		}
		return b
	}
	return core.Backoff{}
}

const unusedSteps = 2

func milliseconds(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// describeGroup turns core's settings into those that tools know.
func describeGroup(c *core.GroupConfig) wire.GroupConfig {
	g := wire.DefaultGroup()
	g.Name, g.ConsumeEnable, g.Orderly = c.Name, !c.Disabled, c.Order == core.OrderFIFO
	g.Attributes = map[string]string{}
	for key, value := range c.Attributes {
		if !strings.HasPrefix(key, keptPrefix) {
			g.Attributes[key] = value
		}
	}
	for _, s := range groupSettings {
		if v, ok := c.Attributes[keptPrefix+s.key]; ok {
			s.set(&g, v)
		}
	}
	if c.MaxAttempts > 0 && c.MaxAttempts != min(max(g.RetryMaxTimes, 0), maxAttempts-1)+1 {
		g.RetryMaxTimes = c.MaxAttempts - 1
	}
	if kept := backoff(&g.RetryPolicy); !sameBackoff(&kept, &c.Backoff) {
		g.RetryPolicy = retryPolicy(&c.Backoff)
	}
	return g
}

func sameBackoff(a, b *core.Backoff) bool {
	return slices.Equal(a.Steps, b.Steps) && a.Initial == b.Initial && a.Max == b.Max && a.Multiplier == b.Multiplier
}

// retryPolicy describes a backoff that was not set over this protocol.
func retryPolicy(b *core.Backoff) wire.GroupRetryPolicy {
	switch {
	case len(b.Steps) > 0:
		next := make([]int64, unusedSteps, unusedSteps+len(b.Steps))
		for _, step := range b.Steps {
			next = append(next, step.Milliseconds())
		}
		next[0], next[1] = next[unusedSteps], next[unusedSteps]
		return wire.GroupRetryPolicy{Type: wire.RetryCustomized, Customized: &wire.CustomizedRetryPolicy{Next: next}}
	case b.Initial > 0:
		return wire.GroupRetryPolicy{Type: wire.RetryExponential, Exponential: &wire.ExponentialRetryPolicy{
			Initial: b.Initial.Milliseconds(), Max: b.Max.Milliseconds(), Multiplier: int64(b.Multiplier),
		}}
	}
	return wire.DefaultGroup().RetryPolicy
}

// systemGroups are those of Apache's own tools and proxies: a list of groups
// always has them, because tools take an empty list for an error.
var systemGroups = []string{
	"TOOLS_CONSUMER", "FILTERSRV_CONSUMER", "SELF_TEST_C_GROUP", "CID_ONS-HTTP-PROXY",
	"CID_ONSAPI_PULL", "CID_ONSAPI_PERMISSION", "CID_ONSAPI_OWNER", "CID_RMQ_SYS_TRANS",
}

// groupConfigs returns the settings of all groups by name.
func groupConfigs(groups []*core.GroupInfo) map[string]wire.GroupConfig {
	all := make(map[string]wire.GroupConfig, len(groups)+len(systemGroups))
	for _, name := range systemGroups {
		g := wire.DefaultGroup()
		g.Name, g.Attributes = name, map[string]string{}
		all[name] = g
	}
	for _, g := range groups {
		all[g.Name] = describeGroup(&g.GroupConfig)
	}
	return all
}
