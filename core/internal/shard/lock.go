package shard

import (
	"cmp"
	"slices"

	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/record"
)

const (
	// lockLease is how long a lock lasts without being renewed, in ms. Clients renew
	// every 20 s, and trust a lock of their own for 30.
	lockLease = 60_000
	// maxOwner bounds a client id that is kept in the log.
	maxOwner = 255
)

// Locks asks for queues, which a client of a group is to have for itself: so it
// consumes them in order, whoever else is in the group. Owner is its client id.
type Locks struct {
	Group, Owner string
	Queues       []model.Queue
}

// locks are the leases of the locks that the state has. Which client renews one,
// and until when, is in no record: after a restart each owner has one lease more.
type locks struct {
	leases map[model.CursorID]lease
}

type lease struct {
	client *Client // that took or renewed it last; nil after a restart
	until  int64   // by the monotonic clock
}

// recovered gives every owner that the log knows its lease.
func (l *locks) recovered(s *Shard) {
	l.leases = make(map[model.CursorID]lease)
	s.state.EachLock(func(id model.CursorID, _ string) {
		l.leases[id] = lease{until: s.now.Mono + lockLease}
	})
}

// lockRequest is a Lock, or with unlock an Unlock.
type lockRequest struct {
	client *Client
	Locks
	unlock bool
	done   func([]model.Queue, error)

	got []model.Queue
}

// Lock queues the call. See core.Client.
func (c *Client) Lock(l Locks, done func(got []model.Queue, err error)) {
	c.add(&lockRequest{client: c, Locks: cloneLocks(l), done: done})
}

// Unlock queues the call. See core.Client.
func (c *Client) Unlock(l Locks, done func(error)) {
	c.add(&lockRequest{client: c, Locks: cloneLocks(l), unlock: true, done: func(_ []model.Queue, err error) { done(err) }})
}

func cloneLocks(l Locks) Locks {
	l.Queues = append([]model.Queue(nil), l.Queues...)
	return l
}

func (r *lockRequest) class() class     { return appends }
func (r *lockRequest) refuse(err error) { r.done(nil, err) }

func (r *lockRequest) decide(s *Shard) {
	if err := r.check(s); err != nil {
		s.touch(r.client)
		r.refuse(err)
		return
	}
	group := s.groupFor(r.Group)
	at := model.LSN(0)
	for _, queue := range r.Queues {
		id := model.CursorID{Group: group.ID, Queue: queue}
		if s.state.Queue(queue) == nil {
			continue // deleted since the client looked
		}
		if r.unlock {
			at = max(at, s.locks.free(s, id, r.Owner))
			continue
		}
		if end, ok := s.locks.take(s, id, r.Owner, r.client); ok {
			at = max(at, end)
			r.got = append(r.got, queue)
		}
	}
	if at > s.written {
		s.when(atWritten, at, r)
		return
	}
	r.complete(s, nil)
}

func (r *lockRequest) check(s *Shard) *model.Error {
	if r.Owner == "" || len(r.Owner) > maxOwner {
		return model.Errorf(model.InvalidMessage, "a client id of %d bytes; it has 1 to %d", len(r.Owner), maxOwner)
	}
	if r.client.closed {
		return errShuttingDown // its locks have been given back
	}
	return s.mayUse(r.Group)
}

func (r *lockRequest) complete(s *Shard, err error) {
	s.touch(r.client)
	r.done(r.got, err)
}

// take gives a queue to a client, unless another has it. It returns up to where the
// log must be written for that, 0 if the client had it.
func (l *locks) take(s *Shard, id model.CursorID, owner string, client *Client) (end model.LSN, ok bool) {
	now := s.state.Lock(id)
	if now != "" && now != owner && l.leases[id].until > s.now.Mono {
		return 0, false
	}
	if now != owner {
		end = s.emit(&record.Lock{Group: id.Group, Topic: id.Queue.Topic, Queue: id.Queue.Num, Owner: owner})
	}
	if old := l.leases[id].client; old != nil && old != client {
		delete(old.locks, id)
	}
	l.leases[id] = lease{client: client, until: s.now.Mono + lockLease}
	if client.locks == nil {
		client.locks = make(map[model.CursorID]struct{})
	}
	client.locks[id] = struct{}{}
	return end, true
}

// free takes a queue back from its owner.
func (l *locks) free(s *Shard, id model.CursorID, owner string) (end model.LSN) {
	if s.state.Lock(id) != owner {
		return 0
	}
	if client := l.leases[id].client; client != nil {
		delete(client.locks, id)
	}
	delete(l.leases, id)
	return s.emit(&record.Lock{Group: id.Group, Topic: id.Queue.Topic, Queue: id.Queue.Num})
}

// leave frees what a client has locked in a group; in all groups, if id is 0. The
// client is gone, or says so: nobody need wait for its leases.
func (l *locks) leave(s *Shard, c *Client, group model.GroupID) {
	var ids []model.CursorID
	for id := range c.locks {
		if group == 0 || id.Group == group {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b model.CursorID) int { // records have an order
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Queue.Topic, b.Queue.Topic), cmp.Compare(a.Queue.Num, b.Queue.Num))
	})
	for _, id := range ids {
		if owner := s.state.Lock(id); owner != "" && s.Err() == nil {
			l.free(s, id, owner)
		}
		delete(c.locks, id)
		delete(l.leases, id)
	}
}
