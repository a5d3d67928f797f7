package grpcv5

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/gantrymq/gantry/core/record"
	"github.com/gantrymq/gantry/grpcv5/apis"
)

// How 4.x clients say in a message's sysFlag which compression its body has.
const (
	sysCompression = 0x700
	sysLZ4         = 0x100
	sysZSTD        = 0x200
	sysZLib        = 0x300

	// maxInflated bounds what a compressed body may become, maxRatio by what is
	// there: no real message shrinks further. maxWindow bounds what zstd may ask for.
	maxInflated = 16 << 20
	maxRatio    = 1000
	maxWindow   = 8 << 20
)

// stored returns a body as it is stored, and the sysFlag that says so.
func stored(body []byte, e apis.Encoding, maxBody int) ([]byte, int32, error) {
	if e != apis.Encoding_GZIP {
		return body, 0, nil
	}
	switch {
	case len(body) > 2 && body[0] == 0x78 && (int(body[0])<<8|int(body[1]))%31 == 0:
		return body, record.SysCompressed | sysZLib, nil // C++ compresses so, and calls it GZIP
	case len(body) > 2 && body[0] == 0x1f && body[1] == 0x8b:
		plain, err := inflate(body, func(r io.Reader) (io.ReadCloser, error) { return gzip.NewReader(r) })
		if err != nil {
			return nil, 0, refuse(apis.Code_MESSAGE_CORRUPTED, "the body calls itself GZIP and cannot be read as such")
		}
		if len(plain) > maxBody {
			return nil, 0, refuse(apis.Code_MESSAGE_BODY_TOO_LARGE, "the body has %d bytes decompressed, at most %d are allowed", len(plain), maxBody)
		}
		return plain, 0, nil
	}
	return body, 0, nil // it is what it is: SDKs get it as they would have sent it
}

// plain returns a body as SDKs are given it, decompressed. What cannot be
// decompressed is handed out as it is.
func plain(body []byte, sysFlag int32) []byte {
	if sysFlag&record.SysCompressed == 0 {
		return body
	}
	out, err := inflate(body, opener(sysFlag))
	if err != nil {
		return body
	}
	return out
}

func opener(sysFlag int32) func(io.Reader) (io.ReadCloser, error) {
	switch sysFlag & sysCompression {
	case sysLZ4:
		return func(r io.Reader) (io.ReadCloser, error) { return io.NopCloser(lz4.NewReader(r)), nil }
	case sysZSTD:
		return openZSTD
	}
	return zlib.NewReader // clients older than the choice, too
}

func openZSTD(r io.Reader) (io.ReadCloser, error) {
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}

func inflate(body []byte, open func(io.Reader) (io.ReadCloser, error)) ([]byte, error) {
	r, err := open(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	limit := min(maxInflated, len(body)*maxRatio)
	out, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err != nil {
		return nil, err
	}
	if len(out) > limit {
		return nil, fmt.Errorf("the body becomes more than %d bytes", limit)
	}
	return out, nil
}
