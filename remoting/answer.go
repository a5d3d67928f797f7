package remoting

import (
	"errors"

	"github.com/gantrymq/gantry/core"
	"github.com/gantrymq/gantry/remoting/wire"
)

// request is what an answer must know of its request. Each request gets exactly
// one of answer, say, fail, refuse and done, at any time and from any goroutine; who
// is neither on the shard's loop nor the reader flushes afterwards.
type request struct {
	conn          *conn
	route         *route
	opaque        int32
	version       int32
	serialization wire.Serialization
	oneway        bool
}

// answer answers with ext fields, which fill may add, and a body.
func (r *request) answer(code wire.ResponseCode, fill func(*wire.Writer), body []byte) {
	w, ok := r.begin(code)
	if !ok {
		return
	}
	if fill != nil {
		fill(&w)
	}
	w.Body(body)
	r.end(w)
}

// begin locks the out buffer and starts an answer in it, which end completes. If
// nobody waits for one, it is not ok, and the request is done.
func (r *request) begin(code wire.ResponseCode) (w wire.Writer, ok bool) {
	out := &r.conn.out
	b, open := out.begin()
	if !open || r.oneway {
		out.finish(b)
		return w, false
	}
	return wire.BeginAnswer(b, r.serialization, code, r.opaque), true
}

func (r *request) end(w wire.Writer) { r.conn.out.finish(w.End()) }

// done ends a request that wants no answer.
func (r *request) done() {
	r.conn.out.begin()
	r.conn.out.finish(nil)
}

// refuse answers with a code and the text that says why.
func (r *request) refuse(code wire.ResponseCode, remark string) {
	r.route.errors.Inc()
	r.say(code, remark)
}

// say answers with a code and a text.
func (r *request) say(code wire.ResponseCode, remark string) {
	out := &r.conn.out
	b, open := out.begin()
	if !open || r.oneway {
		out.finish(b)
		return
	}
	w := wire.Begin(b, wire.Head{
		Serialization: r.serialization, Code: int32(code), Version: wire.VersionSpoken,
		Opaque: r.opaque, Flag: wire.FlagResponse, Remark: remark,
	})
	out.finish(w.End())
}

// fail answers with an error of the codec or of core. Text of other errors is
// for the log only.
func (r *request) fail(err error) {
	code, remark := statusOf(err, r.version)
	if _, ok := errors.AsType[*wire.FieldError](err); !ok && core.CodeOf(err) == core.Internal {
		r.conn.log().Error("request failed", "request", r.route.name, "err", cause(err))
	}
	r.refuse(code, remark)
}

// cause returns the error behind a core error, which the client is not shown.
func cause(err error) error {
	if e, ok := errors.AsType[*core.Error](err); ok && e.Err != nil {
		return e.Err
	}
	return err
}
