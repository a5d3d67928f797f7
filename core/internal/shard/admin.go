package shard

import (
	"slices"
	"strings"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/state"
	"github.com/gantrymq/gantry/core/record"
)

// TopicInfo is a topic as listeners see it. It is immutable.
type TopicInfo struct {
	model.TopicConfig
	ID model.TopicID
}

// Topic returns a topic as of its last durable change. Safe for all goroutines.
func (s *Shard) Topic(name string) (*TopicInfo, bool) {
	t, ok := s.topics.Load(name)
	if !ok {
		return nil, false
	}
	return t.(*TopicInfo), true
}

// Topics returns all topics, ordered by name. Safe for all goroutines.
func (s *Shard) Topics() []*TopicInfo {
	var all []*TopicInfo
	s.topics.Range(func(_, t any) bool {
		all = append(all, t.(*TopicInfo))
		return true
	})
	slices.SortFunc(all, func(a, b *TopicInfo) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// publish shows a topic to the listeners.
func (s *Shard) publish(t *state.Topic) {
	s.topics.Store(t.Config.Name, &TopicInfo{TopicConfig: t.Config, ID: t.ID})
	s.lags.wake(s, &t.Config)
}

// putTopic makes or changes a topic, and publishes it once that is durable.
func (s *Shard) putTopic(id model.TopicID, config model.TopicConfig) *state.Topic {
	end := s.emit(&record.Topic{ID: id, Config: config})
	t := s.state.TopicByID(id)
	for _, q := range t.Queues { // those of a topic made anew go on where the old ones ended
		v := s.queueAt(q.Slot)
		if v.visible < q.Min {
			v.first, v.visible = q.Min, q.Min
		}
	}
	for _, o := range s.outlets.of[t.ID] {
		o.grow(s)
		o.follow(s) // it may be ordered now, or no longer
	}
	s.when(atDurable, end, then(func(s *Shard, err error) {
		if err == nil {
			s.publish(t)
		}
	}))
	return t
}

// autoTopic returns the settings of the topic that a send may make, or why it
// may not.
func (s *Shard) autoTopic(name string, queues int32) (model.TopicConfig, *model.Error) {
	config := model.TopicConfig{
		Name: name, ReadQueues: queues, WriteQueues: queues,
		Perm: model.PermRead | model.PermWrite,
	}
	if queues > 0 && model.IsGroupTopic(name) {
		config.ReadQueues, config.WriteQueues = 1, 1
	} else { // who sends without having made the topic does not say what else will come
		config.Attributes = map[string]string{model.AttrKind: model.KindAny.String()}
	}
	switch {
	case queues <= 0 || s.cfg.NoAutoTopics && !model.IsGroupTopic(name):
		return config, model.Errorf(model.TopicNotFound, "topic %q does not exist, and sends do not create it", name)
	case s.state.TopicCount() >= s.cfg.MaxTopics:
		return config, model.Errorf(model.Busy, "there are %d topics, and sends create no more: make %q by hand, or raise the limit", s.state.TopicCount(), name)
	}
	if err := config.Validate(); err != nil {
		return config, err.(*model.Error)
	}
	return config, nil
}

// adminRequest is an Admin.
type adminRequest struct {
	client *Client
	op     AdminOp
	done   func(error)
}

// Admin queues the call. See core.Client.
func (c *Client) Admin(op AdminOp, done func(error)) {
	c.add(&adminRequest{c, op, done})
}

func (r *adminRequest) class() class     { return appends }
func (r *adminRequest) refuse(err error) { r.done(err) }

func (r *adminRequest) decide(s *Shard) {
	if err := s.administer(r.op); err != nil {
		s.touch(r.client)
		r.done(err)
		return
	}
	s.when(atDurable, s.frameEnd(), r)
}

func (r *adminRequest) complete(s *Shard, err error) {
	s.touch(r.client)
	r.done(err)
}

func (s *Shard) administer(op AdminOp) error {
	switch op := op.(type) {
	case PutTopic:
		if err := op.Config.Validate(); err != nil {
			return err
		}
		id := s.state.NextTopicID()
		if t := s.state.Topic(op.Config.Name); t != nil {
			id, op.Config.System = t.ID, t.Config.System
		}
		s.putTopic(id, op.Config)
	case PutGroup:
		if err := op.Config.Validate(); err != nil {
			return err
		}
		s.putGroup(op.Config)
	case PutSetting:
		return s.putSetting(op)
	case DeleteTopic:
		return s.deleteTopic(op.Name)
	case DeleteGroup:
		return s.deleteGroup(op.Name)
	default:
		return model.Errorf(model.Unsupported, "administrative act %T is not supported", op)
	}
	return nil
}
