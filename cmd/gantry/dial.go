package main

import (
	"context"
)

// The requests and answers of the protocol that the commands use.
const (
	requestSend        int32 = 10
	requestPull        int32 = 11
	requestCommitted   int32 = 14
	requestCommit      int32 = 15
	requestCreateTopic int32 = 17
	requestMaxOffset   int32 = 30
	requestMinOffset   int32 = 31
	requestRoute       int32 = 105
	requestTopics      int32 = 206

	codeSuccess        int32 = 0
	codeTopicNotExist  int32 = 17
	codePullNotFound   int32 = 19
	codePullRetry      int32 = 20
	codePullMoved      int32 = 21
	codeOffsetNotFound int32 = 22
)

func dial(ctx context.Context, addr string) (*broker, error) {
	return nil, fail(exitUnreachable, "cannot reach %s", addr)
}
