package grpcv5

import (
	"github.com/gantrymq/gantry/grpcv5/apis"
)

// Heartbeats and goodbyes
//
// Heartbeat: a client lives. Its type and group were said in its Settings; Go's
// push consumers name the wrong type here. Go's load balancer sends some without
// any header, which mean nothing. Consumers that are known are members for
// another 120 s. Where the settings of the group or a topic have changed, the
// client is told.
//
// NotifyClientTermination: a client goes, and its session ends. Go just
// ends its streams.

func (c *call) heartbeat(req *apis.HeartbeatRequest) *apis.HeartbeatResponse {
	if c.id == "" {
		return &apis.HeartbeatResponse{Status: status(nil)}
	}
	return &apis.HeartbeatResponse{Status: status(c.beat(req))}
}

func (c *call) beat(req *apis.HeartbeatRequest) error {
	if _, known := apis.ClientType_name[int32(req.GetClientType())]; !known {
		return refuse(apis.Code_UNRECOGNIZED_CLIENT_TYPE, "client type %d is not known", req.GetClientType())
	}
	if req.GetGroup().GetName() != "" {
		if _, err := c.group(req.GetGroup()); err != nil {
			return err
		}
	}
	s, err := c.session()
	if err != nil {
		return err
	}
	d := s.said.Load()
	if d == nil {
		return nil
	}
	if err := c.update(d); err != nil {
		return err
	}
	s.tellChanges(d)
	return nil
}

// tellChanges pushes the settings to a client that was told others.
func (s *session) tellChanges(d *declared) {
	now := s.server.settings(d)
	for _, st := range s.attached() {
		st.pushIfOther(now)
	}
}

func (c *call) terminate(*apis.NotifyClientTerminationRequest) *apis.NotifyClientTerminationResponse {
	s, err := c.session()
	if err == nil {
		s.end()
		c.conn.latest.CompareAndSwap(s, nil)
	}
	return &apis.NotifyClientTerminationResponse{Status: status(err)}
}
