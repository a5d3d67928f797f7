package shard

import "github.com/gantrymq/gantry/core/internal/model"

// owners are the clients whose leases renew themselves. Their numbers are in the
// cursors' memory only: after a restart nobody is known, and the leases end when the
// log says.
type owners struct {
	clients []*Client // by number-1; nil: free
	free    []uint16
}

const maxOwners = 1<<16 - 2

// number returns the client's number, 0 if there are too many.
func (o *owners) number(c *Client) uint16 {
	if c.owner != 0 || c.closed {
		return c.owner
	}
	if k := len(o.free); k > 0 {
		c.owner = o.free[k-1]
		o.free = o.free[:k-1]
	} else if len(o.clients) < maxOwners {
		o.clients = append(o.clients, nil)
		c.owner = uint16(len(o.clients))
	} else {
		return 0
	}
	o.clients[c.owner-1] = c
	return c.owner
}

// alive tells whether leases of that number go on.
func (o *owners) alive(owner uint16) bool {
	return owner != 0 && int(owner) <= len(o.clients) && o.clients[owner-1] != nil
}

// name returns the client id that an owner said, "" if there is none.
func (o *owners) name(owner uint16) string {
	if !o.alive(owner) {
		return ""
	}
	if m := o.clients[owner-1].member; m != nil {
		return m.state.ClientID
	}
	return ""
}

// dropOwner gives back all that a client holds by leases that renew themselves.
func (s *Shard) dropOwner(c *Client) {
	if c.owner == 0 {
		return
	}
	var held []model.Offset
	for _, q := range c.holds {
		cursor := s.state.Cursor(q.id)
		if q.outlet.gone || cursor == nil || s.Err() != nil {
			continue
		}
		if held = cursor.Owned(c.owner, held[:0]); len(held) > 0 {
			s.giveBack(q, held)
		}
	}
	s.owners.clients[c.owner-1] = nil
	s.owners.free = append(s.owners.free, c.owner)
	c.owner, c.holds = 0, nil
}
