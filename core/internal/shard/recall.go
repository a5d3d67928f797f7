package shard

import "github.com/gantrymq/gantry/core/internal/model"

// Recall queues the call. See core.Client.
func (c *Client) Recall(r Recall, done func(error)) {
	done(model.Errorf(model.Unsupported, "being built"))
}
