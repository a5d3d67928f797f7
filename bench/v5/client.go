package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/gantrymq/gantry/grpcv5/apis"
)

// A body begins with the time at which its send was begun, on this process' clock.
const stampSize = 8

// lease is far longer than any run holds a message.
const lease = 5 * time.Minute

// client is one connection of one client id, with a session as an SDK has.
type client struct {
	apis.MessagingServiceClient
	o       *options
	conn    *grpc.ClientConn
	headers metadata.MD
	broker  *apis.Broker
	ids     atomic.Uint64
	prefix  string
}

// dial connects and starts as an SDK does: route, then settings.
func dial(ctx context.Context, o *options) (*client, error) {
	conn, err := grpc.NewClient("passthrough:///"+o.addr, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithInitialWindowSize(1<<20), grpc.WithInitialConnWindowSize(4<<20))
	if err != nil {
		return nil, err
	}
	c := &client{MessagingServiceClient: apis.NewMessagingServiceClient(conn), o: o, conn: conn, prefix: fmt.Sprintf("01%016X", rand.Uint64())}
	c.headers = metadata.Pairs("x-mq-client-id", "bench@"+c.prefix, "x-mq-language", "GO", "x-mq-protocol", "v2", "x-mq-client-version", "5.0.0",
		"x-mq-date-time", "20260101T000000Z")
	if err := c.start(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("start a client at %s: %w", o.addr, err)
	}
	return c, nil
}

// dialAll makes the connections of a run.
func dialAll(ctx context.Context, o *options, n int) ([]*client, error) {
	var all []*client
	for range n {
		c, err := dial(ctx, o)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

func (c *client) with(ctx context.Context) context.Context {
	return metadata.NewOutgoingContext(ctx, c.headers)
}

func (c *client) start(ctx context.Context) error {
	host, text, err := net.SplitHostPort(c.o.addr)
	if err != nil {
		return err
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return err
	}
	at := &apis.Endpoints{Scheme: apis.AddressScheme_IPv4, Addresses: []*apis.Address{{Host: host, Port: int32(port)}}}
	short, cancel := context.WithTimeout(c.with(ctx), 20*time.Second)
	defer cancel()
	route, err := c.QueryRoute(short, &apis.QueryRouteRequest{Topic: resource(c.o.topic), Endpoints: at}, grpc.WaitForReady(true))
	if err != nil {
		return err
	}
	if err := good("route", route.Status); err != nil {
		return err
	}
	c.broker = route.MessageQueues[0].Broker
	stream, err := c.Telemetry(c.with(ctx))
	if err != nil {
		return err
	}
	kind := apis.ClientType_SIMPLE_CONSUMER
	err = stream.Send(&apis.TelemetryCommand{Command: &apis.TelemetryCommand_Settings{Settings: &apis.Settings{
		ClientType: &kind, AccessPoint: at, UserAgent: &apis.UA{Language: apis.Language_GOLANG, Version: "5.0.0"},
		PubSub: &apis.Settings_Subscription{Subscription: &apis.Subscription{
			Group:         resource(c.o.group),
			Subscriptions: []*apis.SubscriptionEntry{{Topic: resource(c.o.topic), Expression: everything}},
		}},
	}}})
	if err != nil {
		return err
	}
	_, err = stream.Recv()
	return err
}

var everything = &apis.FilterExpression{Type: apis.FilterType_TAG, Expression: "*"}

func resource(name string) *apis.Resource { return &apis.Resource{Name: name} }

func good(what string, s *apis.Status) error {
	if s.GetCode() != apis.Code_OK {
		return fmt.Errorf("%s: %v %s", what, s.GetCode(), s.GetMessage())
	}
	return nil
}

// message is a new one, stamped with a time of the run's clock.
func (c *client) message(now time.Duration) *apis.Message {
	body := make([]byte, c.o.size)
	binary.LittleEndian.PutUint64(body, uint64(now))
	return &apis.Message{
		Topic: resource(c.o.topic), Body: body,
		SystemProperties: &apis.SystemProperties{
			MessageId: fmt.Sprintf("%s%016X", c.prefix, c.ids.Add(1)), MessageType: apis.MessageType_NORMAL,
			BodyEncoding: apis.Encoding_IDENTITY, BornTimestamp: timestamppb.Now(), BornHost: "bench",
		},
	}
}

// stamp is the time in a body.
func stamp(m *apis.Message) time.Duration { return time.Duration(binary.LittleEndian.Uint64(m.Body)) }

// send is one call for some messages.
func (c *client) send(ctx context.Context, messages ...*apis.Message) error {
	ctx, cancel := context.WithTimeout(c.with(ctx), 10*time.Second)
	defer cancel()
	answer, err := c.SendMessage(ctx, &apis.SendMessageRequest{Messages: messages})
	if err != nil {
		return err
	}
	return good("send", answer.Status)
}

// receive is one call. Nothing is no error.
func (c *client) receive(ctx context.Context, most int, wait time.Duration) ([]*apis.Message, error) {
	ctx, cancel := context.WithTimeout(c.with(ctx), wait+3*time.Second)
	defer cancel()
	stream, err := c.ReceiveMessage(ctx, &apis.ReceiveMessageRequest{
		Group: resource(c.o.group), MessageQueue: &apis.MessageQueue{Topic: resource(c.o.topic), Id: -1, Broker: c.broker},
		FilterExpression: everything, BatchSize: int32(most), InvisibleDuration: durationpb.New(lease), LongPollingTimeout: durationpb.New(wait),
	})
	if err != nil {
		return nil, err
	}
	var got []*apis.Message
	for {
		answer, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return got, nil
		}
		if err != nil {
			return nil, err
		}
		if s := answer.GetStatus(); s != nil && s.Code != apis.Code_OK && s.Code != apis.Code_MESSAGE_NOT_FOUND {
			return nil, good("receive", s)
		}
		if m := answer.GetMessage(); m != nil {
			got = append(got, m)
		}
	}
}

// ack is one call for some messages.
func (c *client) ack(ctx context.Context, messages ...*apis.Message) error {
	request := &apis.AckMessageRequest{Group: resource(c.o.group), Topic: resource(c.o.topic)}
	for _, m := range messages {
		request.Entries = append(request.Entries, &apis.AckMessageEntry{
			MessageId: m.SystemProperties.MessageId, ReceiptHandle: m.SystemProperties.GetReceiptHandle(),
		})
	}
	ctx, cancel := context.WithTimeout(c.with(ctx), 10*time.Second)
	defer cancel()
	answer, err := c.AckMessage(ctx, request)
	if err != nil {
		return err
	}
	return good("ack", answer.Status)
}

// begin fixes where the group begins: a new one begins at what its first receive finds.
func (c *client) begin(ctx context.Context) error {
	for {
		got, err := c.receive(ctx, 32, 5*time.Second) // Apache's least
		if err != nil {
			return err
		}
		if len(got) == 0 {
			return nil
		}
		if err := c.ack(ctx, got...); err != nil {
			return err
		}
	}
}

func stampBody(m *apis.Message, t time.Duration) { binary.LittleEndian.PutUint64(m.Body, uint64(t)) }
