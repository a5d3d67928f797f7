package grpcv5

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/grpcv5/apis"
)

func TestRoute(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.topic("t", "")
		c := r.sdk("c1")
		defer c.close()
		req := &apis.QueryRouteRequest{Topic: resource("t"), Endpoints: endpoint("10.1.2.3", 30081)}
		a := must[*apis.QueryRouteResponse](c, apis.Code_OK)(c.QueryRoute(c.ctx, req))
		if len(a.MessageQueues) != 4 {
			t.Fatalf("%d queues", len(a.MessageQueues))
		}
		for i, q := range a.MessageQueues {
			if q.Id != int32(i) || q.Topic.Name != "t" || q.Permission != apis.Permission_READ_WRITE || q.Broker.Name != "gantry-0" || q.Broker.Id != 0 ||
				!proto.Equal(q.Broker.Endpoints, req.Endpoints) || !slices.Equal(q.AcceptMessageTypes, []apis.MessageType{apis.MessageType_NORMAL}) {
				t.Errorf("queue %d: %v", i, q)
			}
		}
		again := must[*apis.QueryRouteResponse](c, apis.Code_OK)(c.QueryRoute(c.ctx, req))
		if !proto.Equal(a, again) {
			t.Error("two answers differ")
		}
		for name, want := range map[string]apis.Code{"unknown": apis.Code_TOPIC_NOT_FOUND, "a b": apis.Code_ILLEGAL_TOPIC, "": apis.Code_ILLEGAL_TOPIC} {
			must[*apis.QueryRouteResponse](c, want)(c.QueryRoute(c.ctx, &apis.QueryRouteRequest{Topic: resource(name)}))
		}
		// PHP's samples send no headers, and not every client says what it dialled.
		php := r.sdk("")
		defer php.close()
		b := must[*apis.QueryRouteResponse](php, apis.Code_OK)(php.QueryRoute(php.ctx, &apis.QueryRouteRequest{Topic: resource("t")}))
		if got := b.MessageQueues[0].Broker.Endpoints; !proto.Equal(got, endpoint("127.0.0.1", 8081)) {
			t.Errorf("endpoints %v", got)
		}
	})
}

func TestAConfiguredAddressIsToldToAll(t *testing.T) {
	bubbleWith(t, Config{Advertise: "mq.example.com:443"}, func(t *testing.T, r *rig) {
		r.topic("t", "")
		c := r.sdk("c1")
		defer c.close()
		a := must[*apis.QueryRouteResponse](c, apis.Code_OK)(c.QueryRoute(c.ctx, &apis.QueryRouteRequest{Topic: resource("t"), Endpoints: endpoint("10.1.2.3", 30081)}))
		e := a.MessageQueues[0].Broker.Endpoints
		if e.Scheme != apis.AddressScheme_DOMAIN_NAME || len(e.Addresses) != 1 || e.Addresses[0].Host != "mq.example.com" || e.Addresses[0].Port != 443 {
			t.Errorf("endpoints %v", e)
		}
	})
}

func TestWhatTopicsTake(t *testing.T) {
	const n, f, d, x = apis.MessageType_NORMAL, apis.MessageType_FIFO, apis.MessageType_DELAY, apis.MessageType_TRANSACTION
	bubble(t, func(t *testing.T, r *rig) {
		c := r.sdk("c1")
		defer c.close()
		for kind, want := range map[string][]apis.MessageType{
			"": {n}, "NORMAL": {n}, "FIFO": {f}, "DELAY": {d}, "TRANSACTION": {x}, "MIXED": {n, f, d, x},
			"PRIORITY": {apis.MessageType_PRIORITY}, "LITE": {apis.MessageType_LITE},
		} {
			r.topic("t"+kind, kind)
			a := must[*apis.QueryRouteResponse](c, apis.Code_OK)(c.QueryRoute(c.ctx, &apis.QueryRouteRequest{Topic: resource("t" + kind)}))
			if got := a.MessageQueues[0].AcceptMessageTypes; !slices.Equal(got, want) {
				t.Errorf("%s takes %v, want %v", kind, got, want)
			}
		}
	})
}

func TestPermissionsOfQueues(t *testing.T) {
	for _, tt := range []struct {
		perm        core.Perm
		read, write int32
		want        []apis.Permission
	}{
		{core.PermRead | core.PermWrite, 1, 2, []apis.Permission{apis.Permission_READ_WRITE, apis.Permission_WRITE}},
		{core.PermRead | core.PermWrite, 2, 1, []apis.Permission{apis.Permission_READ_WRITE, apis.Permission_READ}},
		{core.PermRead, 1, 2, []apis.Permission{apis.Permission_READ, apis.Permission_NONE}},
		{core.PermWrite, 2, 1, []apis.Permission{apis.Permission_WRITE, apis.Permission_NONE}},
	} {
		topic := &core.TopicInfo{TopicConfig: core.TopicConfig{Perm: tt.perm, ReadQueues: tt.read, WriteQueues: tt.write}}
		for i, want := range tt.want {
			if got := permission(topic, int32(i)); got != want {
				t.Errorf("%+v queue %d: %v", tt, i, got)
			}
		}
	}
}

func TestAssignments(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.topic("t", "")
		r.topic("f", "FIFO")
		c := r.sdk("c1")
		defer c.close()
		ask := func(topic string) []*apis.Assignment {
			return must[*apis.QueryAssignmentResponse](c, apis.Code_OK)(c.QueryAssignment(c.ctx, &apis.QueryAssignmentRequest{
				Topic: resource(topic), Group: resource("g"), Endpoints: endpoint("10.1.2.3", 30081),
			})).Assignments
		}
		if a := ask("t"); len(a) != 1 || a[0].MessageQueue.Id != -1 || a[0].MessageQueue.Broker.Endpoints.Addresses[0].Port != 30081 {
			t.Errorf("normal: %v", a)
		}
		if a := ask("f"); len(a) != 4 || a[3].MessageQueue.Id != 3 {
			t.Errorf("FIFO: %v", a)
		}
		must[*apis.QueryAssignmentResponse](c, apis.Code_TOPIC_NOT_FOUND)(c.QueryAssignment(c.ctx, &apis.QueryAssignmentRequest{Topic: resource("x"), Group: resource("g")}))
		must[*apis.QueryAssignmentResponse](c, apis.Code_ILLEGAL_CONSUMER_GROUP)(c.QueryAssignment(c.ctx, &apis.QueryAssignmentRequest{Topic: resource("t"), Group: resource("")}))
	})
}

func TestNamespaces(t *testing.T) {
	for _, tt := range []struct{ namespace, name, want string }{
		{"", "t", "t"}, {"ns", "t", "ns%t"}, {"ns", "%DLQ%g", "%DLQ%ns%g"}, {"ns", "%RETRY%g", "%RETRY%ns%g"},
	} {
		if got := qualified(tt.namespace, tt.name); got != tt.want {
			t.Errorf("%s in %s is %s, want %s", tt.name, tt.namespace, got, tt.want)
		}
	}
}
