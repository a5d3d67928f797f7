package grpcv5

import (
	"context"
	"strings"

	"google.golang.org/grpc/metadata"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/grpcv5/apis"
)

// Headers that the server looks at. The others (language, version, date, ...) are
// for logs, or for nobody: no two SDKs agree on them.
const (
	headerClientID  = "x-mq-client-id"
	headerNamespace = "x-mq-namespace"
	headerLanguage  = "x-mq-language"
)

// call is a call of a client, as its handler sees it.
type call struct {
	ctx    context.Context
	server *Server
	conn   *conn
	id     string // of the client; empty where it does not say
}

func (s *Server) newCall(ctx context.Context) call {
	return call{ctx: ctx, server: s, conn: connOf(ctx), id: header(ctx, headerClientID)}
}

// header returns the first value of a header.
func header(ctx context.Context, name string) string {
	if v := metadata.ValueFromIncomingContext(ctx, name); len(v) > 0 {
		return v[0]
	}
	return ""
}

// session returns the client's session. A client without an id has none.
func (c *call) session() (*session, error) {
	switch {
	case c.id == "":
		return nil, refuse(apis.Code_CLIENT_ID_REQUIRED, "the header %s is missing", headerClientID)
	case len(c.id) > maxClientID:
		return nil, refuse(apis.Code_BAD_REQUEST, "the client id has %d bytes, at most %d are allowed", len(c.id), maxClientID)
	}
	return c.known(c.id)
}

// anonymous returns the client's session; for a client that does not say who it
// is, one that its connection has for itself.
func (c *call) anonymous() (*session, error) {
	if c.id != "" {
		return c.session()
	}
	return c.known("\x00" + c.conn.remote.String())
}

func (c *call) known(id string) (*session, error) {
	if s := c.server.session(id, c.conn); s != nil {
		return s, nil
	}
	return nil, refuse(apis.Code_TOO_MANY_REQUESTS, "there are too many clients")
}

// begin starts a call into core on the client's session; submit of the session
// ends it.
func (c *call) begin() (*session, *core.Client, error) { return c.beginOn(c.session) }

// beginOn starts a call on the session that it is given. One that has just ended
// is made anew.
func (c *call) beginOn(find func() (*session, error)) (*session, *core.Client, error) {
	for {
		s, err := find()
		if err != nil {
			return nil, nil, err
		}
		if client, ok := s.begin(); ok {
			return s, client, nil
		}
		c.conn.latest.CompareAndSwap(s, nil)
	}
}

// namespace returns the namespace that applies where a resource names none.
func (c *call) namespace() string { return header(c.ctx, headerNamespace) }

// name returns what core calls a resource.
func (c *call) name(r *apis.Resource) string {
	namespace := r.GetResourceNamespace()
	if namespace == "" {
		namespace = c.namespace()
	}
	return qualified(namespace, r.GetName())
}

// qualified puts a namespace before a name, behind the prefix of a group's topic:
// where 4.x clients have it.
func qualified(namespace, name string) string {
	if namespace == "" {
		return name
	}
	for _, prefix := range []string{core.RetryPrefix, core.DeadLetterPrefix} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			return prefix + namespace + "%" + rest
		}
	}
	return namespace + "%" + name
}

// topic finds the topic that a resource names.
func (c *call) topic(r *apis.Resource) (*core.TopicInfo, error) {
	name := c.name(r)
	if err := core.ValidTopic(name); err != nil {
		return nil, err
	}
	info, ok := c.server.engine.Topic(name)
	if !ok {
		return nil, core.Errorf(core.TopicNotFound, "no topic %s", name)
	}
	return info, nil
}

// group returns the name of the group that a resource names.
func (c *call) group(r *apis.Resource) (string, error) {
	name := c.name(r)
	return name, core.ValidGroup(name)
}
