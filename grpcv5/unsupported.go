package grpcv5

import "github.com/gantrymq/gantry/grpcv5/apis"

// What is not there yet is answered with NOT_IMPLEMENTED, at once: lite topics.

func notImplemented(what string) *apis.Status {
	return status(refuse(apis.Code_NOT_IMPLEMENTED, "%s are not supported yet", what))
}

func (c *call) syncLite(*apis.SyncLiteSubscriptionRequest) *apis.SyncLiteSubscriptionResponse {
	return &apis.SyncLiteSubscriptionResponse{Status: notImplemented("lite topics")}
}
