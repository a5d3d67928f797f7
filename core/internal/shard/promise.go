//go:build !mutant

package shard

import "github.com/gantrymq/gantry/core/internal/model"

// promised returns up to where the log holds what a synced answer promises.
func promised(_, durable model.LSN) model.LSN { return durable }
