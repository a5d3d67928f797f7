package grpcv5

import (
	"fmt"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
)

// codec is protobuf, with hands of its own for what is sent and received most: a
// send is read where it lies, and a delivered message is written without a struct
// in between.
type codec struct {
	encoding.CodecV2
	server *Server
}

// encoded is an answer that is bytes already. Its owner gives them up.
type encoded struct{ mem.Buffer }

// reader is a request that reads itself. It keeps a reference to what it needs of
// data, which it frees.
type reader interface {
	read(data mem.BufferSlice) error
}

func newCodec(s *Server) codec { return codec{encoding.GetCodecV2(proto.Name), s} }

// Marshal implements encoding.CodecV2.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	if e, ok := v.(encoded); ok {
		return mem.BufferSlice{e.Buffer}, nil
	}
	return c.CodecV2.Marshal(v)
}

// Unmarshal implements encoding.CodecV2.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	if r, ok := v.(reader); ok {
		return r.read(data)
	}
	if n := data.Len(); n > maxSmallRequest {
		return fmt.Errorf("a request of %d bytes that is no send", n)
	}
	return c.CodecV2.Unmarshal(data, v)
}
