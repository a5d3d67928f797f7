package grpcv5

import (
	"encoding/base64"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/core/record"
	"github.com/gantrymq/gantry/grpcv5/apis"
)

// Transactions
//
// A message of the type TRANSACTION is stored, and seen by nobody until its
// transaction is committed. Its answer has a transaction id, by which EndTransaction
// names it: the message's place and its producer group, which for v5 clients is
// the topic's name. What was decided already is OK, the opposite of it
// INVALID_TRANSACTION_ID. An unspecified resolution decides nothing.
//
// A producer whose Settings list the topic is asked how a transaction ends that is
// open for long (RecoverOrphanedTransactionCommand on Telemetry), after
// orphaned_transaction_recovery_duration if the message has it. A 4.x producer whose
// group is called like the topic is one of them, and is asked in its own way.
//
// Deviation: upstream forgets a transaction id after 30 s; here it is good for as
// long as the transaction is open.

const transactionVersion = "1"

// transactionID returns the id of a transaction.
func transactionID(group string, at core.Address, offset core.Offset) string {
	text := strings.Join([]string{transactionVersion, strconv.FormatInt(int64(at), 10), strconv.FormatInt(int64(offset), 10), group}, " ")
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

// parseTransaction reads a transaction id.
func parseTransaction(id string) (end core.TxnEnd, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(id)
	f := strings.Split(string(raw), " ")
	if err != nil || len(f) != 4 || f[0] != transactionVersion {
		return end, false
	}
	at, wrong := strconv.ParseInt(f[1], 10, 64)
	offset, err := strconv.ParseInt(f[2], 10, 64)
	end.Address, end.Offset, end.Group = core.Address(at), core.Offset(offset), f[3]
	return end, wrong == nil && err == nil
}

func (c *call) endTransaction(req *apis.EndTransactionRequest) *apis.EndTransactionResponse {
	return &apis.EndTransactionResponse{Status: status(c.end(req))}
}

func (c *call) end(req *apis.EndTransactionRequest) error {
	if err := core.ValidTopic(c.name(req.GetTopic())); err != nil {
		return err
	}
	end, ok := parseTransaction(req.GetTransactionId())
	if !ok {
		return refuse(apis.Code_INVALID_TRANSACTION_ID, "the transaction id cannot be read")
	}
	end.UniqueKey = req.GetMessageId()
	// How long a transaction may recover says when its producer is asked, and not that
	// its own decision comes too late.
	end.Checked = true
	switch req.GetResolution() {
	case apis.TransactionResolution_COMMIT:
		end.How = core.Commit
	case apis.TransactionResolution_ROLLBACK:
		end.How = core.Rollback
	}
	s, client, err := c.begin()
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	client.EndTransaction(end, func(err error) { done <- err })
	s.submit()
	return <-done
}

// maxChecks bounds the questions that wait for a client's stream: what is left out
// is asked again.
const maxChecks = 256

// push takes what core wants of the client. It runs on the shard's loop, which a
// stream that is slow must not hold up.
func (s *session) push(cmd core.Command) {
	if cmd.Kind != core.CheckTransaction {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.checks) >= maxChecks || s.forgotten {
		return
	}
	if s.checks = append(s.checks, cmd); !s.checking {
		s.checking = true
		s.server.pushes.Go(s.sendChecks)
	}
}

// sendChecks sends the questions that wait, on one of the client's streams.
func (s *session) sendChecks() {
	for {
		s.mu.Lock()
		waiting := s.checks
		s.checks = nil
		s.checking = len(waiting) > 0
		s.mu.Unlock()
		if len(waiting) == 0 {
			return
		}
		for i := range waiting {
			s.ask(&waiting[i])
		}
	}
}

func (s *session) ask(cmd *core.Command) {
	message, err := s.question(cmd.Check)
	if err != nil {
		s.server.log.Error("a prepared message cannot be shown to its producer", "address", int64(cmd.Check.Address), "err", err)
		return
	}
	for _, st := range s.attached() {
		st.order(&apis.TelemetryCommand{
			Status: status(nil),
			Command: &apis.TelemetryCommand_RecoverOrphanedTransactionCommand{RecoverOrphanedTransactionCommand: &apis.RecoverOrphanedTransactionCommand{
				Message: message, TransactionId: transactionID(cmd.Group, cmd.Check.Address, cmd.Check.Offset),
			}},
		})
		return
	}
}

// question returns a prepared message as the client knows it.
func (s *session) question(check *core.Check) (*apis.Message, error) {
	topic := &apis.Resource{Name: check.Topic}
	if said := s.said.Load(); said != nil {
		for i, listed := range said.settings.GetPublishing().GetTopics() {
			if said.topics[i] == check.Topic {
				topic = listed
			}
		}
	}
	var e encoder
	e.begin(s.server.digest, topic)
	buf := e.message(record.Wire(check.Message), nil)
	defer buf.Free()
	_, _, n := protowire.ConsumeTag(buf.ReadOnlyData())
	raw, _ := protowire.ConsumeBytes(buf.ReadOnlyData()[n:])
	m := new(apis.Message)
	return m, proto.Unmarshal(raw, m)
}
