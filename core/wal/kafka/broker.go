package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

const (
	// batchBytes bounds a record batch: the largest frame, and what is around it.
	batchBytes = 8<<20 + 32<<10
	// topicBytes is the least max.message.bytes of the log's topic.
	topicBytes = 8<<20 + 64<<10
	fetchBytes = 8 << 20
	// fetchWait is how long a leader holds a fetch for which there is nothing.
	fetchWait = 100 * time.Millisecond
)

// base returns what all clients have in common.
func (o *Options) base() []kgo.Opt {
	opts := []kgo.Opt{
		kgo.SeedBrokers(o.Brokers...),
		kgo.ClientID("gantry"),
		kgo.WithLogger(clientLogger{o.Logger, o.verbose}),
		kgo.DialTimeout(2 * time.Second),
		kgo.RequestTimeoutOverhead(2 * time.Second),
		kgo.MetadataMinAge(100 * time.Millisecond),
		kgo.MetadataMaxAge(15 * time.Second),
		kgo.RetryBackoffFn(backoff),
		kgo.MaxDecompressBatchBytes(64 << 20),
		kgo.DisableClientMetrics(),
	}
	if o.TLS != nil && o.Dial == nil {
		opts = append(opts, kgo.DialTLSConfig(o.TLS))
	}
	if o.Dial != nil {
		opts = append(opts, kgo.Dialer(o.Dial))
	}
	switch s := o.SASL; s.Mechanism {
	case "plain":
		opts = append(opts, kgo.SASL(plain.Auth{User: s.User, Pass: s.Password}.AsMechanism()))
	case "scram-sha-256":
		opts = append(opts, kgo.SASL(scram.Auth{User: s.User, Pass: s.Password}.AsSha256Mechanism()))
	case "scram-sha-512":
		opts = append(opts, kgo.SASL(scram.Auth{User: s.User, Pass: s.Password}.AsSha512Mechanism()))
	}
	return opts
}

// Mechanisms lists what SASL.Mechanism may be.
func Mechanisms() []string { return []string{"plain", "scram-sha-256", "scram-sha-512"} }

func backoff(try int) time.Duration {
	return min(20*time.Millisecond<<min(try, 6), time.Second)
}

// writing returns what clients that write have beyond it.
func (o *Options) writing() []kgo.Opt {
	return append(o.base(),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(compression(o.Compression)...),
		kgo.ProducerLinger(0),
		kgo.ProduceRequestTimeout(3*time.Second),
		kgo.UnknownTopicRetries(-1),
	)
}

// frames returns what a client that writes frames has: nothing is given up by
// itself, for a frame must not be half written off, and nothing is renumbered.
func (o *Options) frames() []kgo.Opt {
	return append(o.writing(),
		kgo.ProducerBatchMaxBytes(batchBytes),
		kgo.StopProducerOnDataLossDetected(),
	)
}

// others returns what the client for everything else has: what it writes, parts,
// may be there twice, and is given up when its time is over.
func (o *Options) others() []kgo.Opt {
	return append(o.writing(),
		kgo.ProducerBatchMaxBytes(partBatchBytes),
		kgo.AllowIdempotentProduceCancellation(),
	)
}

func compression(name string) []kgo.CompressionCodec {
	switch name {
	case "lz4":
		return []kgo.CompressionCodec{kgo.Lz4Compression()}
	case "zstd":
		return []kgo.CompressionCodec{kgo.ZstdCompression()}
	case "snappy":
		return []kgo.CompressionCodec{kgo.SnappyCompression()}
	}
	return []kgo.CompressionCodec{kgo.NoCompression()}
}

// partition is a Partition over franz-go.
type partition struct {
	opt    *Options
	client *kgo.Client // for requests
	topic  string
	id     [16]byte
	num    int32

	mu     sync.Mutex
	leader int32 // -1: ask
	unpack kgo.Decompressor
}

var _ Partition = (*partition)(nil)

func newPartition(opt *Options, client *kgo.Client, topic string, id [16]byte, num int32) *partition {
	return &partition{opt: opt, client: client, topic: topic, id: id, num: num, leader: -1, unpack: kgo.DefaultDecompressor()}
}

// NewProducer makes a client: it has a producer id of its own.
func (p *partition) NewProducer() (Producer, error) {
	client, err := kgo.NewClient(append(p.opt.frames(), kgo.DefaultProduceTopic(p.topic))...)
	if err != nil {
		return nil, &FatalError{err}
	}
	return &producer{client: client, topic: p.topic, num: p.num}, nil
}

type producer struct {
	client *kgo.Client
	topic  string
	num    int32
}

// Produce implements Producer. The context never ends: what was handed in is
// retried until the producer is closed.
func (p *producer) Produce(value []byte, storeTime int64, done func(int64, error)) {
	r := &kgo.Record{Topic: p.topic, Partition: p.num, Value: value, Timestamp: time.UnixMilli(storeTime)}
	p.client.Produce(context.WithoutCancel(p.client.Context()), r, func(r *kgo.Record, err error) {
		if err != nil {
			done(-1, explain(err))
			return
		}
		done(r.Offset, nil)
	})
}

// LeaderEpoch implements Producer.
func (p *producer) LeaderEpoch() int32 {
	_, epoch, err := p.client.PartitionLeader(p.topic, p.num)
	if err != nil {
		return -1
	}
	return epoch
}

// Close implements Producer.
func (p *producer) Close() { p.client.Close() }

// Fetch implements Partition: one request to the leader, which shows what every
// replica has.
func (p *partition) Fetch(ctx context.Context, offset int64, limit int) (Batch, error) {
	records, b, err := p.fetch(ctx, offset, limit)
	for _, r := range records {
		b.Records = append(b.Records, Record{Offset: r.Offset, Value: r.Value, Control: r.Attrs.IsControl()})
	}
	return b, err
}

func (p *partition) fetch(ctx context.Context, offset int64, limit int) ([]*kgo.Record, Batch, error) {
	leader, err := p.findLeader(ctx)
	if err != nil {
		return nil, Batch{}, explain(err)
	}
	resp, err := p.client.Broker(int(leader)).Request(ctx, p.fetchRequest(offset, limit))
	if err != nil {
		p.forgetLeader()
		return nil, Batch{}, explain(err)
	}
	records, b, err := p.readFetch(resp.(*kmsg.FetchResponse), offset)
	if err != nil {
		p.forgetLeader()
	}
	return records, b, err
}

func (p *partition) fetchRequest(offset int64, limit int) *kmsg.FetchRequest {
	part := kmsg.NewFetchRequestTopicPartition()
	part.Partition, part.FetchOffset, part.PartitionMaxBytes = p.num, offset, int32(limit)
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic, topic.TopicID = p.topic, p.id
	topic.Partitions = append(topic.Partitions, part)
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes = int32(fetchWait.Milliseconds()), 1, int32(limit)
	req.SessionEpoch = -1
	req.Topics = append(req.Topics, topic)
	return req
}

func (p *partition) readFetch(resp *kmsg.FetchResponse, offset int64) ([]*kgo.Record, Batch, error) {
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return nil, Batch{}, explain(err)
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return nil, Batch{}, errors.New("a fetch was answered without the partition")
	}
	rp := &resp.Topics[0].Partitions[0]
	opts := kgo.ProcessFetchPartitionOpts{KeepControlRecords: true, Offset: offset, Topic: p.topic, Partition: p.num}
	fp, next := kgo.ProcessFetchPartition(opts, rp, p.unpack, nil)
	b := Batch{Next: max(next, offset), Start: fp.LogStartOffset, High: fp.HighWatermark}
	if errors.Is(fp.Err, kerr.OffsetOutOfRange) {
		return nil, b, &RangeError{offset, fp.LogStartOffset, fp.HighWatermark}
	}
	if fp.Err != nil && len(fp.Records) == 0 {
		return nil, b, explain(fp.Err)
	}
	return fp.Records, b, nil
}

func (p *partition) findLeader(ctx context.Context) (int32, error) {
	p.mu.Lock()
	leader := p.leader
	p.mu.Unlock()
	if leader >= 0 {
		return leader, nil
	}
	t, err := askTopic(ctx, p.client, p.topic)
	if err != nil {
		return -1, err
	}
	if t.TopicID != p.id {
		return -1, &FatalError{fmt.Errorf("topic %s was deleted and made anew while this server used it", p.topic)}
	}
	for i := range t.Partitions {
		if rp := &t.Partitions[i]; rp.Partition == p.num {
			if err := kerr.ErrorForCode(rp.ErrorCode); err != nil {
				return -1, err
			}
			p.mu.Lock()
			p.leader = rp.Leader
			p.mu.Unlock()
			return rp.Leader, nil
		}
	}
	return -1, &FatalError{fmt.Errorf("topic %s has no partition %d", p.topic, p.num)}
}

func (p *partition) forgetLeader() {
	p.mu.Lock()
	p.leader = -1
	p.mu.Unlock()
}

// Bounds implements Partition.
func (p *partition) Bounds(ctx context.Context) (start, end int64, err error) {
	if start, err = p.listOffset(ctx, -2); err == nil {
		end, err = p.listOffset(ctx, -1)
	}
	return start, end, explain(err)
}

func (p *partition) listOffset(ctx context.Context, at int64) (int64, error) {
	part := kmsg.NewListOffsetsRequestTopicPartition()
	part.Partition, part.Timestamp = p.num, at
	topic := kmsg.NewListOffsetsRequestTopic()
	topic.Topic = p.topic
	topic.Partitions = append(topic.Partitions, part)
	req := kmsg.NewPtrListOffsetsRequest()
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(ctx, p.client)
	if err != nil {
		return 0, err
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return 0, errors.New("a question for offsets was answered without the partition")
	}
	rp := &resp.Topics[0].Partitions[0]
	return rp.Offset, kerr.ErrorForCode(rp.ErrorCode)
}

// DeleteBefore implements Partition.
func (p *partition) DeleteBefore(ctx context.Context, offset int64) error {
	part := kmsg.NewDeleteRecordsRequestTopicPartition()
	part.Partition, part.Offset = p.num, offset
	topic := kmsg.NewDeleteRecordsRequestTopic()
	topic.Topic = p.topic
	topic.Partitions = append(topic.Partitions, part)
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.TimeoutMillis = 5000
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(ctx, p.client)
	if err != nil {
		return explain(err)
	}
	for i := range resp.Topics {
		for j := range resp.Topics[i].Partitions {
			if err := kerr.ErrorForCode(resp.Topics[i].Partitions[j].ErrorCode); err != nil {
				return explain(err)
			}
		}
	}
	return nil
}

// explain marks the errors that stay whatever is done again.
func explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kerr.UnknownTopicID), errors.Is(err, kerr.InconsistentTopicID):
		return &FatalError{fmt.Errorf("the topic was deleted and made anew while this server used it: %w", err)}
	case errors.Is(err, kerr.MessageTooLarge), errors.Is(err, kerr.InvalidRecord), errors.Is(err, kerr.RecordListTooLarge):
		return &FatalError{fmt.Errorf("a frame is refused: see the topic's max.message.bytes: %w", err)}
	case errors.Is(err, kerr.InvalidTimestamp):
		return &FatalError{fmt.Errorf("the time of a frame is refused: a clock is wrong, or the topic's message.timestamp.after.max.ms or before.max.ms is too small: %w", err)}
	case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed):
		return &FatalError{fmt.Errorf("the user does not have the right to do this in Kafka: %w", err)}
	case errors.Is(err, kerr.SaslAuthenticationFailed), errors.Is(err, kerr.UnsupportedSaslMechanism), errors.Is(err, kerr.IllegalSaslState):
		return &FatalError{fmt.Errorf("the credentials of wal.sasl are refused: %w", err)}
	}
	return err
}
