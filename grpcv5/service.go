package grpcv5

import (
	"context"
	"runtime/debug"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/gantrymq/gantry/grpcv5/apis"
)

// serviceName is the service that the SDKs call.
const serviceName = "apache.rocketmq.v2.MessagingService"

// service is the table of calls: a line for each method of the service.
func (s *Server) service() *grpc.ServiceDesc {
	return &grpc.ServiceDesc{
		ServiceName: serviceName,
		HandlerType: (*any)(nil),
		Metadata:    "apache/rocketmq/v2/service.proto",
		Methods: []grpc.MethodDesc{
			unary(s, "QueryRoute", (*call).queryRoute),
			unary(s, "QueryAssignment", (*call).queryAssignment),
			unary(s, "Heartbeat", (*call).heartbeat),
			unary(s, "NotifyClientTermination", (*call).terminate),
			s.sendMethod("SendMessage"),
			unary(s, "AckMessage", (*call).ack),
			unary(s, "ChangeInvisibleDuration", (*call).change),
			unary(s, "ForwardMessageToDeadLetterQueue", (*call).deadLetter),
			unary(s, "RecallMessage", (*call).recall),
			unary(s, "EndTransaction", (*call).endTransaction),
			unary(s, "SyncLiteSubscription", (*call).syncLite),
		},
		Streams: []grpc.StreamDesc{
			s.streaming("ReceiveMessage", false, s.receive),
			s.streaming("Telemetry", true, s.telemetry),
		},
	}
}

// answer is a response: every one has a Status.
type answer interface {
	GetStatus() *apis.Status
}

// message is a pointer to a request's type.
type message[T any] interface {
	*T
	proto.Message
}

// unary is a method with one request and one answer.
func unary[Req any, P message[Req], A answer](s *Server, name string, handle func(*call, P) A) grpc.MethodDesc {
	count := s.counted(name)
	return grpc.MethodDesc{MethodName: name, Handler: func(_ any, ctx context.Context, dec func(any) error, _ grpc.UnaryServerInterceptor) (resp any, err error) {
		s.inFlight.enter()
		defer s.leave(name, &err)
		req := P(new(Req))
		if err := dec(req); err != nil {
			return nil, err
		}
		if len(req.ProtoReflect().GetUnknown()) > 0 {
			s.metrics.unknownFields.Inc()
		}
		c := s.newCall(ctx)
		a := handle(&c, req)
		count.done(a.GetStatus().GetCode())
		return a, nil
	}}
}

// streaming is a method whose answer is a stream; both ways, if clients is true.
func (s *Server) streaming(name string, clients bool, handle func(grpc.ServerStream, counted) error) grpc.StreamDesc {
	count := s.counted(name)
	return grpc.StreamDesc{
		StreamName: name, ServerStreams: true, ClientStreams: clients,
		Handler: func(_ any, stream grpc.ServerStream) (err error) {
			if !clients { // a stream of the client's has no end, and counts as nothing in flight
				s.inFlight.enter()
				defer s.inFlight.leave()
			}
			defer s.recovered(name, &err)
			return handle(stream, count)
		},
	}
}

// leave ends a call that was in flight.
func (s *Server) leave(name string, err *error) {
	s.inFlight.leave()
	if p := recover(); p != nil {
		s.panicked(name, p, err)
	}
}

// recovered ends the call of a handler that panicked, not the server.
func (s *Server) recovered(name string, err *error) {
	if p := recover(); p != nil {
		s.panicked(name, p, err)
	}
}

func (s *Server) panicked(name string, p any, err *error) {
	s.log.Error("handler panicked", "method", name, "err", p, "stack", string(debug.Stack()))
	*err = grpcstatus.Error(codes.Internal, name+" failed: internal error")
}

// counted are the counters of one method.
type counted struct{ requests, errors tally }

func (s *Server) counted(name string) counted {
	return counted{s.metrics.requests.WithLabelValues(name), s.metrics.errors.WithLabelValues(name)}
}

func (c *counted) done(code apis.Code) {
	c.requests.Inc()
	switch code {
	case apis.Code_OK, apis.Code_MULTIPLE_RESULTS, apis.Code_MESSAGE_NOT_FOUND:
	default:
		c.errors.Inc()
	}
}

// unknownMethod answers what is not in the table.
func (s *Server) unknownMethod(_ any, stream grpc.ServerStream) error {
	s.metrics.unknownMethods.Inc()
	method, _ := grpc.MethodFromServerStream(stream)
	return grpcstatus.Errorf(codes.Unimplemented, "%s is not known here", method)
}
