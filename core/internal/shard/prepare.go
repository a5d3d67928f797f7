package shard

import (
	"github.com/gantrymq/gantry/core/internal/model"
	"github.com/gantrymq/gantry/core/internal/state"
	"github.com/gantrymq/gantry/core/record"
)

// transaction tells the sysFlag that a message is stored with, and whether it is
// prepared: whether it waits for the end of its transaction.
func (k *known) transaction(m *Message) (sysFlag int32, err *model.Error) {
	sysFlag = m.SysFlag &^ record.SysTransaction
	switch {
	case k.prepared && m.ReconsumeTimes > 0 && k.deliver.set:
		k.prepared = false // a consumer's retry, of a client that copies all properties
		return sysFlag, nil
	case !k.prepared && m.SysFlag != sysFlag:
		return 0, model.Errorf(model.InvalidMessage, "the message's sysFlag says that it is transactional, and its property %s does not", record.PropTransaction)
	case !k.prepared:
		return sysFlag, nil
	case k.deliver.set:
		return 0, model.Errorf(model.InvalidMessage, "a transactional message may not be delayed")
	case len(k.producer) == 0:
		return 0, model.Errorf(model.InvalidMessage, "a transactional message needs its producer group (property %s)", record.PropProducerGroup)
	}
	return sysFlag | record.SysPrepared, nil
}

// storePrepared stores a message that waits for the end of its transaction.
func (r *sendRequest) storePrepared(s *Shard, t *state.Topic, q *state.Queue, m *encoded, result *SendResult, at *storedAt) {
	lsn := r.storeWaiting(s, t, q, m, model.Prepared, result, at)
	s.count.Prepared++
	s.checks.began(s, s.state.Open().Get(lsn))
	result.Prepared, result.Offset = true, model.Offset(lsn)
}
