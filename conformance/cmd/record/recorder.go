package main

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// maxCapture keeps the files small; what a large frame shows, a small one shows too.
const maxCapture = 6 << 10

// recorder writes the first request of each code it is shown to a file of its own.
type recorder struct {
	client, serialization, label, dir string
	codes                             map[int]bool // nil: every code

	mu   sync.Mutex
	seen map[int]bool // guarded by mu, like errs
	errs []error
}

func (r *recorder) setCodes(list string) error {
	r.codes = map[int]bool{}
	for s := range strings.SplitSeq(list, ",") {
		code, err := strconv.Atoi(s)
		if err != nil {
			return err
		}
		r.codes[code] = true
	}
	return nil
}

func (r *recorder) frame(f []byte) {
	code, isAnswer, err := requestCode(f)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.errs = append(r.errs, err)
		return
	}
	if isAnswer || len(f) > maxCapture || r.seen[code] || (r.codes != nil && !r.codes[code]) {
		return
	}
	if r.seen == nil {
		r.seen = map[int]bool{}
	}
	r.seen[code] = true
	if err := r.write(code, f); err != nil {
		r.errs = append(r.errs, err)
	}
}

func (r *recorder) write(code int, f []byte) error {
	name := fmt.Sprintf("%s-%s-%d", r.client, r.serialization, code)
	if r.label != "" {
		name += "-" + r.label
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "# client %s, %s header, request code %d %s", r.client, r.serialization, code, codeNames[code])
	if r.label != "" {
		fmt.Fprintf(&b, ", %s", r.label)
	}
	b.WriteString("; one whole frame, length field first\n")
	for len(f) > 0 {
		n := min(32, len(f))
		b.WriteString(hex.EncodeToString(f[:n]) + "\n")
		f = f[n:]
	}
	return os.WriteFile(filepath.Join(r.dir, name+".hex"), b.Bytes(), 0o644)
}

func (r *recorder) err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(r.errs...)
}

// requestCode reads just enough of a frame's header to name it.
func requestCode(f []byte) (code int, isAnswer bool, err error) {
	if len(f) < 8 {
		return 0, false, fmt.Errorf("frame of %d bytes has no header", len(f))
	}
	mark := binary.BigEndian.Uint32(f[4:])
	size := int(mark & 0xffffff)
	if len(f) < 8+size {
		return 0, false, fmt.Errorf("header of %d bytes in a frame of %d", size, len(f))
	}
	header := f[8 : 8+size]
	if mark>>24 == 1 {
		if size < 21 {
			return 0, false, fmt.Errorf("binary header of %d bytes", size)
		}
		flag := binary.BigEndian.Uint32(header[9:])
		return int(int16(binary.BigEndian.Uint16(header))), flag&1 != 0, nil
	}
	var h struct{ Code, Flag int }
	if err := json.Unmarshal(header, &h); err != nil {
		return 0, false, fmt.Errorf("header %q: %w", header, err)
	}
	return h.Code, h.Flag&1 != 0, nil
}

// codeNames are the names the protocol's own constants have.
var codeNames = map[int]string{
	10: "SEND_MESSAGE", 11: "PULL_MESSAGE", 14: "QUERY_CONSUMER_OFFSET", 15: "UPDATE_CONSUMER_OFFSET",
	17: "UPDATE_AND_CREATE_TOPIC", 29: "SEARCH_OFFSET_BY_TIMESTAMP", 30: "GET_MAX_OFFSET", 31: "GET_MIN_OFFSET",
	32: "GET_EARLIEST_MSG_STORETIME", 34: "HEART_BEAT", 35: "UNREGISTER_CLIENT", 36: "CONSUMER_SEND_MSG_BACK",
	37: "END_TRANSACTION", 38: "GET_CONSUMER_LIST_BY_GROUP", 41: "LOCK_BATCH_MQ", 42: "UNLOCK_BATCH_MQ",
	46: "CHECK_CLIENT_CONFIG", 105: "GET_ROUTEINFO_BY_TOPIC", 206: "GET_ALL_TOPIC_LIST_FROM_NAMESERVER",
	310: "SEND_MESSAGE_V2", 320: "SEND_BATCH_MESSAGE", 361: "LITE_PULL_MESSAGE",
}
