// Package double is a raw client of the v5 gRPC protocol, without an SDK's retries, checks and sessions: it sends what it is
// told to and shows what comes back, status and all.
package double

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"time"

	v2 "github.com/apache/rocketmq-clients/golang/v5/protocol/v2"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Client is one connection of one client id.
type Client struct {
	v2.MessagingServiceClient
	conn *grpc.ClientConn
	id   string
}

// Dial prepares a connection; the first call opens it.
func Dial(endpoint string, withTLS bool) (*Client, error) {
	transport := insecure.NewCredentials()
	if withTLS {
		transport = credentials.NewTLS(&tls.Config{InsecureSkipVerify: true}) // as the SDKs do
	}
	conn, err := grpc.NewClient("passthrough:///"+endpoint, grpc.WithTransportCredentials(transport))
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", endpoint, err)
	}
	return &Client{MessagingServiceClient: v2.NewMessagingServiceClient(conn), conn: conn, id: "double@" + uuid.NewString()}, nil
}

// Close ends the connection.
func (c *Client) Close() { c.conn.Close() }

// Conn is the connection, for what has no method here.
func (c *Client) Conn() *grpc.ClientConn { return c.conn }

// With returns a context with the headers that every SDK sends.
func (c *Client) With(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "x-mq-client-id", c.id, "x-mq-language", "GO", "x-mq-protocol", "v2",
		"x-mq-client-version", "5.0.0", "x-mq-request-id", uuid.NewString())
}

// Resource names a topic or a group.
func Resource(name string) *v2.Resource { return &v2.Resource{Name: name} }

// Message is a message of the type that its group and delivery time give it.
func Message(topic string, body []byte) *v2.Message {
	return &v2.Message{
		Topic: Resource(topic), Body: body,
		SystemProperties: &v2.SystemProperties{
			MessageId: messageID(), MessageType: v2.MessageType_NORMAL, BodyEncoding: v2.Encoding_IDENTITY,
			BornTimestamp: timestamppb.Now(), BornHost: "double",
		},
	}
}

// messageID is of the form that the SDKs make: 34 upper-case hex digits that begin with the version.
func messageID() string {
	id := uuid.New()
	return fmt.Sprintf("01%X", id[:])
}

// FIFO sets a message's group.
func FIFO(m *v2.Message, group string) *v2.Message {
	m.SystemProperties.MessageType, m.SystemProperties.MessageGroup = v2.MessageType_FIFO, &group
	return m
}

// Delayed sets a message's delivery time.
func Delayed(m *v2.Message, at time.Time) *v2.Message {
	m.SystemProperties.MessageType, m.SystemProperties.DeliveryTimestamp = v2.MessageType_DELAY, timestamppb.New(at)
	return m
}

// Send is one request.
func (c *Client) Send(ctx context.Context, messages ...*v2.Message) (*v2.SendMessageResponse, error) {
	return c.SendMessage(c.With(ctx), &v2.SendMessageRequest{Messages: messages})
}

// Receive says what a receive asks for.
type Receive struct {
	Topic, Group string
	Filter       *v2.FilterExpression // nil: all
	Most         int32
	Lease        time.Duration // 0: the server's own, kept alive (auto_renew)
	Wait         time.Duration
	Attempt      string // attempt_id
}

func (r Receive) request() *v2.ReceiveMessageRequest {
	filter := r.Filter
	if filter == nil {
		filter = &v2.FilterExpression{Type: v2.FilterType_TAG, Expression: "*"}
	}
	out := &v2.ReceiveMessageRequest{
		Group: Resource(r.Group), MessageQueue: &v2.MessageQueue{Topic: Resource(r.Topic), Id: -1}, FilterExpression: filter,
		BatchSize: r.Most, AutoRenew: r.Lease == 0, LongPollingTimeout: durationpb.New(r.Wait),
	}
	if r.Lease != 0 {
		out.InvisibleDuration = durationpb.New(r.Lease)
	}
	if r.Attempt != "" {
		out.AttemptId = &r.Attempt
	}
	return out
}

// Received is the answer to a receive.
type Received struct {
	Status   *v2.Status
	Messages []*v2.Message
	At       *timestamppb.Timestamp // delivery_timestamp
	Order    string                 // what came, one letter each: s, m, t
}

// Receive is one call, read to its end; its deadline is the wait and some. broker is the queue's, as a route names it.
func (c *Client) Receive(ctx context.Context, broker *v2.Broker, r Receive) (Received, error) {
	ctx, cancel := context.WithTimeout(c.With(ctx), r.Wait+3*time.Second)
	defer cancel()
	request := r.request()
	request.MessageQueue.Broker = broker
	stream, err := c.ReceiveMessage(ctx, request)
	if err != nil {
		return Received{}, err
	}
	return Read(stream)
}

// Read reads a receive's answers to their end.
func Read(stream v2.MessagingService_ReceiveMessageClient) (Received, error) {
	var got Received
	for {
		answer, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		switch content := answer.Content.(type) {
		case *v2.ReceiveMessageResponse_Status:
			got.Status = content.Status
			got.Order += "s"
		case *v2.ReceiveMessageResponse_Message:
			got.Messages = append(got.Messages, content.Message)
			got.Order += "m"
		case *v2.ReceiveMessageResponse_DeliveryTimestamp:
			got.At = content.DeliveryTimestamp
			got.Order += "t"
		}
	}
}

// Open begins a receive without reading its answers; cancel gives it up.
func (c *Client) Open(ctx context.Context, broker *v2.Broker, r Receive) (v2.MessagingService_ReceiveMessageClient, error) {
	request := r.request()
	request.MessageQueue.Broker = broker
	return c.ReceiveMessage(c.With(ctx), request)
}

// Entry names a received message in an ack.
func Entry(m *v2.Message) *v2.AckMessageEntry {
	return &v2.AckMessageEntry{MessageId: m.SystemProperties.MessageId, ReceiptHandle: m.SystemProperties.GetReceiptHandle()}
}

// Ack is one request with an entry for each message.
func (c *Client) Ack(ctx context.Context, group, topic string, entries ...*v2.AckMessageEntry) (*v2.AckMessageResponse, error) {
	return c.AckMessage(c.With(ctx), &v2.AckMessageRequest{Group: Resource(group), Topic: Resource(topic), Entries: entries})
}

// Change is one request.
func (c *Client) Change(ctx context.Context, group, topic string, e *v2.AckMessageEntry, lease time.Duration) (*v2.ChangeInvisibleDurationResponse, error) {
	return c.ChangeInvisibleDuration(c.With(ctx), &v2.ChangeInvisibleDurationRequest{
		Group: Resource(group), Topic: Resource(topic), ReceiptHandle: e.ReceiptHandle, MessageId: e.MessageId,
		InvisibleDuration: durationpb.New(lease),
	})
}

// Route asks for a topic's queues, having dialled an address.
func (c *Client) Route(ctx context.Context, topic, host string, port int32) (*v2.QueryRouteResponse, error) {
	return c.QueryRoute(c.With(ctx), &v2.QueryRouteRequest{
		Topic: Resource(topic),
		Endpoints: &v2.Endpoints{
			Scheme: v2.AddressScheme_IPv4, Addresses: []*v2.Address{{Host: host, Port: port}},
		},
	})
}
