package shard

import (
	"maps"
	"slices"
	"strings"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/state"
	"github.com/gantrymq/gantry/core/record"
)

// Group returns a group as of its last durable change. Safe for all goroutines.
func (s *Shard) Group(name string) (*GroupInfo, bool) {
	g, ok := s.groups.Load(name)
	if !ok {
		return nil, false
	}
	return g.(*GroupInfo), true
}

// Groups returns all groups, ordered by name. Safe for all goroutines.
func (s *Shard) Groups() []*GroupInfo {
	var all []*GroupInfo
	s.groups.Range(func(_, g any) bool {
		all = append(all, g.(*GroupInfo))
		return true
	})
	slices.SortFunc(all, func(a, b *GroupInfo) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// publishGroup shows a group to the listeners.
func (s *Shard) publishGroup(g *state.Group) {
	s.groups.Store(g.Config.Name, &GroupInfo{GroupConfig: g.Config, ID: g.ID})
}

// publishGroups shows all groups: what recovery found is durable.
func (s *Shard) publishGroups() {
	for _, g := range s.state.Groups() {
		if g != nil {
			s.publishGroup(g)
		}
	}
}

// putGroup makes or changes a group, and publishes it once that is durable.
func (s *Shard) putGroup(config model.GroupConfig) *state.Group {
	id := s.state.NextGroupID()
	if g := s.state.Group(config.Name); g != nil {
		id = g.ID
	}
	config.Attributes = maps.Clone(config.Attributes)
	config.Backoff.Steps = slices.Clone(config.Backoff.Steps)
	end := s.emit(&record.Group{ID: id, Config: config})
	s.when(atDurable, end, then(func(s *Shard, err error) {
		if g := s.state.Group(config.Name); err == nil && g != nil && g.ID == id {
			s.publishGroup(g)
		}
	}))
	g := s.state.Group(config.Name)
	s.regroup(g)
	return g
}

// groupFor returns a group that may be used, and makes it if need be.
func (s *Shard) groupFor(name string) *state.Group {
	if g := s.state.Group(name); g != nil {
		return g
	}
	return s.putGroup(model.GroupConfig{Name: name})
}

// mayUse says why a consumer may not use a group, nil if it may: the group is
// there, or may be made.
func (s *Shard) mayUse(name string) *model.Error {
	if s.state.Group(name) != nil {
		return nil
	}
	if err := model.ValidGroup(name); err != nil {
		return err.(*model.Error)
	}
	switch {
	case s.cfg.NoAutoGroups:
		return model.Errorf(model.GroupNotFound, "group %s does not exist, and consumers do not create it", name)
	case s.state.GroupCount() >= s.cfg.MaxGroups:
		return model.Errorf(model.Busy, "there are %d groups, and consumers create no more: make %s by hand, or raise the limit", s.state.GroupCount(), name)
	}
	return nil
}

// mayRead says why a group gets no messages, nil if it does. Reading makes no group.
func (s *Shard) mayRead(name string) *model.Error {
	g := s.state.Group(name)
	switch {
	case g != nil && g.Config.Disabled:
		return model.Errorf(model.NoPermission, "subscription group no permission, %s: it is disabled", name)
	case g == nil && name != "" && s.cfg.NoAutoGroups:
		return model.Errorf(model.GroupNotFound, "subscription group [%s] does not exist", name)
	}
	return nil
}

// tellReset answers the pulls of a group that wait at a queue: they need not wait
// for a message to be told of its reset.
func (s *Shard) tellReset(o *CursorOffset) {
	q := s.state.Queue(o.Queue)
	v := s.queueAt(q.Slot)
	for i := len(v.waiters) - 1; i >= 0; i-- {
		if r := v.waiters[i]; r.Group == o.Group {
			s.alarms.cancel(s, r.alarm)
			s.unpark(r)
			r.read(s, q)
			return // the others are not told: one pull is
		}
	}
}

// deleteGroup deletes a group. Members that live make it anew with their next
// heartbeat.
func (s *Shard) deleteGroup(name string) error {
	g := s.state.Group(name)
	if g == nil {
		return model.Errorf(model.GroupNotFound, "there is no group %s", name)
	}
	s.endOutlets(0, g.ID, model.Errorf(model.GroupNotFound, "group %s was deleted", name))
	end := s.emit(&record.GroupEnd{ID: g.ID})
	s.when(atDurable, end, then(func(s *Shard, err error) {
		if err == nil && s.state.Group(name) == nil {
			s.groups.Delete(name)
		}
		s.retention.wake(s) // messages that were kept for it need not be
	}))
	return nil
}
