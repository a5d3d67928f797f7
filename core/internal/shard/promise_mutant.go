//go:build mutant

package shard

import "github.com/gantrymq/gantry/core/internal/model"

// promised lies: it calls durable what is only written. The simulation must
// notice; a build with this bug exists to prove that it does.
func promised(written, _ model.LSN) model.LSN { return written }
