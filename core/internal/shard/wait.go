package shard

// waiter is a call that waits at a client: a pull, a receive.
type waiter interface {
	// endWait answers before the time is over.
	endWait(s *Shard)
	// setIndex tells the waiter where it stands in its client's list.
	setIndex(i int)
}

// addWait lists a waiter with its client. It returns its index there.
func (c *Client) addWait(w waiter) int {
	c.waits = append(c.waits, w)
	return len(c.waits) - 1
}

// dropWait takes the waiter at that index out; the last one takes its place.
func (c *Client) dropWait(i int) {
	n := len(c.waits) - 1
	c.waits[i] = c.waits[n]
	c.waits[i].setIndex(i)
	c.waits[n] = nil
	c.waits = c.waits[:n]
}

// canceller is a request that ends a wait.
type canceller struct{ w waiter }

func (r canceller) class() class    { return control }
func (r canceller) refuse(error)    {}
func (r canceller) decide(s *Shard) { r.w.endWait(s) }

// cancelWait ends a wait, from any goroutine.
func (c *Client) cancelWait(w waiter) {
	c.shard.inbox.putNow(&run{reqs: []request{canceller{w}}})
}
