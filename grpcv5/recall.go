package grpcv5

import (
	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/grpcv5/apis"
)

// RecallMessage takes a delayed message back, by the handle that its send was
// answered with. One that was delivered already, or recalled, is NOT_FOUND: what is
// said of empty receives, MESSAGE_NOT_FOUND, Python takes for success.

func (c *call) recall(req *apis.RecallMessageRequest) *apis.RecallMessageResponse {
	topic := c.name(req.GetTopic())
	of, broker, deliverAt, id, ok := parseRecall(req.GetRecallHandle())
	err := core.ValidTopic(topic)
	switch {
	case err != nil:
	case !ok:
		err = refuse(apis.Code_BAD_REQUEST, "the recall handle cannot be read")
	case of != topic || broker != c.server.shard.BrokerName:
		err = refuse(apis.Code_BAD_REQUEST, "the recall handle is of topic %s at %s", of, broker)
	default:
		err = c.recallMessage(core.Recall{Topic: topic, DeliverAt: deliverAt, UniqueKey: id})
	}
	if core.CodeOf(err) == core.MessageNotFound {
		err = refuse(apis.Code_NOT_FOUND, "no message %s of topic %s waits for its time: it was delivered, or recalled", id, topic)
	}
	if err != nil {
		return &apis.RecallMessageResponse{Status: status(err)}
	}
	return &apis.RecallMessageResponse{Status: status(nil), MessageId: id}
}

func (c *call) recallMessage(r core.Recall) error {
	s, client, err := c.begin()
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	client.Recall(r, func(err error) { done <- err })
	s.submit()
	return <-done
}
