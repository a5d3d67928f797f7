package rawclient

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

// Request and answer codes of the protocol.
const (
	codeSend      = 310
	codePull      = 11
	codeStoredOff = 14
	codeStoreOff  = 15
	codeMaxOff    = 30
	codeRoute     = 105
	codeCreate    = 17
	codePutGroup  = 200
	CodeSuccess   = 0
	// CodePullNone: the offset is the queue's end, and nothing came.
	CodePullNone = 19
	// CodePullRetry: nothing matched, or a gap: go on at the next offset at once.
	CodePullRetry = 20
	// CodePullMoved: the offset lies outside the queue; the next offset is its nearest end.
	CodePullMoved = 21
)

const (
	flagAnswer = 1
	maxFrame   = 16 << 20
)

// Answer is a response, or a request of the server's own.
type Answer struct {
	Code   int               `json:"code"`
	Opaque int32             `json:"opaque"`
	Flag   int               `json:"flag"`
	Remark string            `json:"remark"`
	Ext    map[string]string `json:"extFields"`
	Body   []byte            `json:"-"`
}

type header struct {
	Code     int               `json:"code"`
	Language string            `json:"language"`
	Version  int               `json:"version"`
	Opaque   int32             `json:"opaque"`
	Flag     int               `json:"flag"`
	Ext      map[string]string `json:"extFields,omitempty"`
}

// appendFrame encodes a request with a JSON header.
func appendFrame(dst []byte, h header, body []byte) ([]byte, error) {
	head, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(4+len(head)+len(body)))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(head))) // serialize type 0 in the high byte
	dst = append(dst, head...)
	return append(dst, body...), nil
}

// readAnswer reads one frame with a JSON header.
func readAnswer(r io.Reader) (*Answer, error) {
	var sizes [8]byte
	if _, err := io.ReadFull(r, sizes[:]); err != nil {
		return nil, err
	}
	size, head := binary.BigEndian.Uint32(sizes[:]), binary.BigEndian.Uint32(sizes[4:])
	if size < 4 || size > maxFrame-4 || head > size-4 {
		return nil, fmt.Errorf("frame of %d bytes with a header mark of %#x", size, head)
	}
	rest := make([]byte, size-4)
	if _, err := io.ReadFull(r, rest); err != nil {
		return nil, err
	}
	a := &Answer{Body: rest[head:]}
	if err := json.Unmarshal(rest[:head], a); err != nil {
		return nil, fmt.Errorf("header %q: %w", rest[:head], err)
	}
	return a, nil
}
