package shard

import "github.com/gantrymq/gantry/core/internal/model"

// Receive queues the call. See core.Client.
func (c *Client) Receive(r Receive, done func(*Records, error)) (cancel func()) {
	done(nil, model.Errorf(model.Unsupported, "being built"))
	return func() {}
}

// Settle queues the call. See core.Client.
func (c *Client) Settle(s []Settlement, done func([]Settled)) { done(make([]Settled, len(s))) }

// Progress queues the call. See core.Client.
func (c *Client) Progress(q GroupQuery, done func([]Progress, error)) {
	done(nil, model.Errorf(model.Unsupported, "being built"))
}
