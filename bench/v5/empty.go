package main

import (
	"context"
	"fmt"
	"net"

	"google.golang.org/grpc"

	"github.com/gantrymq/gantry/bench/report"
	"github.com/gantrymq/gantry/grpcv5/apis"
)

// runEmpty is the mode empty: a server that does nothing but what grpc-go does. It keeps nothing, and every receive gets 32
// messages at once.
func runEmpty(ctx context.Context, o *options) (*report.Result, error) {
	l, err := net.Listen("tcp", o.addr)
	if err != nil {
		return nil, err
	}
	s := grpc.NewServer(grpc.NumStreamWorkers(4), grpc.SharedWriteBuffer(true),
		grpc.InitialWindowSize(1<<20), grpc.InitialConnWindowSize(4<<20))
	apis.RegisterMessagingServiceServer(s, newEmptyService(o))
	context.AfterFunc(ctx, s.Stop)
	if err := s.Serve(l); err != nil && ctx.Err() == nil {
		return nil, err
	}
	return nil, nil
}

// emptyService answers from constants.
type emptyService struct {
	apis.UnimplementedMessagingServiceServer
	route    *apis.QueryRouteResponse
	sent     *apis.SendMessageResponse
	messages []*apis.ReceiveMessageResponse
}

func newEmptyService(o *options) *emptyService {
	ok := &apis.Status{Code: apis.Code_OK}
	queue := &apis.MessageQueue{
		Topic: resource(o.topic), Permission: apis.Permission_READ_WRITE, Broker: &apis.Broker{Name: "empty"},
		AcceptMessageTypes: []apis.MessageType{apis.MessageType_NORMAL},
	}
	s := &emptyService{
		route: &apis.QueryRouteResponse{Status: ok, MessageQueues: []*apis.MessageQueue{queue}},
		sent:  &apis.SendMessageResponse{Status: ok, Entries: []*apis.SendResultEntry{{Status: ok, MessageId: "01"}}},
	}
	s.messages = append(s.messages, &apis.ReceiveMessageResponse{Content: &apis.ReceiveMessageResponse_Status{Status: ok}})
	for i := range 32 {
		handle, attempt := fmt.Sprintf("a-handle-of-the-usual-length-%08d", i), int32(1)
		s.messages = append(s.messages, &apis.ReceiveMessageResponse{Content: &apis.ReceiveMessageResponse_Message{Message: &apis.Message{
			Topic: resource(o.topic), Body: make([]byte, o.size),
			SystemProperties: &apis.SystemProperties{
				MessageId: "01000000000000000000000000000000000", ReceiptHandle: &handle, DeliveryAttempt: &attempt,
				BodyDigest: &apis.Digest{Type: apis.DigestType_MD5, Checksum: "0123456789ABCDEF0123456789ABCDEF"}, BornHost: "bench",
			},
		}}})
	}
	return s
}

// QueryRoute names one queue.
func (s *emptyService) QueryRoute(context.Context, *apis.QueryRouteRequest) (*apis.QueryRouteResponse, error) {
	return s.route, nil
}

// SendMessage keeps nothing.
func (s *emptyService) SendMessage(context.Context, *apis.SendMessageRequest) (*apis.SendMessageResponse, error) {
	return s.sent, nil
}

// ReceiveMessage gives 32 messages.
func (s *emptyService) ReceiveMessage(_ *apis.ReceiveMessageRequest, stream grpc.ServerStreamingServer[apis.ReceiveMessageResponse]) error {
	for _, m := range s.messages {
		if err := stream.Send(m); err != nil {
			return err
		}
	}
	return nil
}

// AckMessage believes every handle.
func (s *emptyService) AckMessage(_ context.Context, r *apis.AckMessageRequest) (*apis.AckMessageResponse, error) {
	ok := s.route.Status
	out := &apis.AckMessageResponse{Status: ok, Entries: make([]*apis.AckMessageResultEntry, len(r.Entries))}
	for i, e := range r.Entries {
		out.Entries[i] = &apis.AckMessageResultEntry{MessageId: e.MessageId, ReceiptHandle: e.ReceiptHandle, Status: ok}
	}
	return out, nil
}

// Telemetry repeats what it is told.
func (s *emptyService) Telemetry(stream grpc.BidiStreamingServer[apis.TelemetryCommand, apis.TelemetryCommand]) error {
	for {
		command, err := stream.Recv()
		if err != nil {
			return nil
		}
		command.Status = s.route.Status
		if err := stream.Send(command); err != nil {
			return err
		}
	}
}
