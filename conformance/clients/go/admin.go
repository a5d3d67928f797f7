package main

import (
	"context"

	"github.com/apache/rocketmq-client-go/v2/admin"
	"github.com/apache/rocketmq-client-go/v2/primitive"
)

func (p *program) admin() (admin.Admin, error) {
	return admin.NewAdmin(admin.WithResolver(primitive.NewPassthroughResolver([]string{p.namesrv})))
}

func (p *program) createTopic(c command) error {
	a, err := p.admin()
	if err != nil {
		return err
	}
	defer a.Close()
	return a.CreateTopic(context.Background(), admin.WithTopicCreate(c.Topic), admin.WithBrokerAddrCreate(c.Broker),
		admin.WithReadQueueNums(c.Queues), admin.WithWriteQueueNums(c.Queues))
}

func (p *program) topics(done *event) error {
	a, err := p.admin()
	if err != nil {
		return err
	}
	defer a.Close()
	list, err := a.FetchAllTopicList(context.Background())
	if err != nil {
		return err
	}
	done.Topics = list.TopicList
	return nil
}

func (p *program) queues(c command, done *event) error {
	a, err := p.admin()
	if err != nil {
		return err
	}
	defer a.Close()
	queues, err := a.FetchPublishMessageQueues(context.Background(), c.Topic)
	if err != nil {
		return err
	}
	for _, q := range queues {
		done.Numbers = append(done.Numbers, q.QueueId)
	}
	return nil
}
