package wire

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

const (
	// maxInflated bounds what a compressed body may become: the largest body that
	// a broker takes by default, with room.
	maxInflated = 16 << 20
	// maxRatio bounds it by what is there: no real message shrinks further.
	maxRatio = 1000
	// maxWindow bounds the memory that a ZSTD body may ask for.
	maxWindow = 8 << 20
)

var errTooBig = errors.New("compressed body becomes too large")

// Inflate decompresses a body by the compression that its message's sysFlag names.
func Inflate(body []byte, sysFlag int32) ([]byte, error) {
	r, err := inflater(body, sysFlag)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	limit := min(maxInflated, max(1, len(body))*maxRatio)
	out, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err != nil {
		return nil, fmt.Errorf("compressed body: %w", err)
	}
	if len(out) > limit {
		return nil, errTooBig
	}
	return out, nil
}

func inflater(body []byte, sysFlag int32) (io.ReadCloser, error) {
	r := bytes.NewReader(body)
	switch sysFlag & SysCompression {
	case 0, SysCompressionZLIB: // 0: clients older than the choice
		return zlib.NewReader(r)
	case SysCompressionLZ4:
		return io.NopCloser(lz4.NewReader(r)), nil
	case SysCompressionZSTD:
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow),
			zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	}
	return nil, fmt.Errorf("compression %d is not known", sysFlag&SysCompression>>8)
}
