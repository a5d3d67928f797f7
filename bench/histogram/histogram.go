package histogram

import (
	"math"
	"math/bits"
	"time"
)

const (
	subBits    = 7            // 128 buckets per power of two: an error below 0.8 %
	subBuckets = 1 << subBits // width of the exact range at the bottom, in ns
	maxBits    = 40           // 2^40 ns = 18 minutes; longer is counted in the last bucket, Max stays exact
	octaves    = maxBits - subBits
	buckets    = (octaves + 1) * subBuckets
)

// Histogram counts durations. The zero value is empty and ready to use.
type Histogram struct {
	counts [buckets]uint64
	n      uint64
	sum    float64
	max    time.Duration
}

// Record counts one duration. A negative one counts as zero.
func (h *Histogram) Record(d time.Duration) { h.RecordN(d, 1) }

// RecordN counts n equal durations.
func (h *Histogram) RecordN(d time.Duration, n uint64) {
	d = max(d, 0)
	h.counts[bucketOf(uint64(d))] += n
	h.n += n
	h.sum += float64(d) * float64(n)
	h.max = max(h.max, d)
}

// Merge adds the counts of o.
func (h *Histogram) Merge(o *Histogram) {
	for i, c := range o.counts {
		h.counts[i] += c
	}
	h.n += o.n
	h.sum += o.sum
	h.max = max(h.max, o.max)
}

// Count is the number of samples.
func (h *Histogram) Count() uint64 { return h.n }

// Max is the largest sample, exact.
func (h *Histogram) Max() time.Duration { return h.max }

// Mean is the average of the samples, or 0 without samples.
func (h *Histogram) Mean() time.Duration {
	if h.n == 0 {
		return 0
	}
	return time.Duration(h.sum / float64(h.n))
}

// Quantile returns the upper edge of the bucket that holds the q-th sample (0 < q <= 1), so it never flatters; 0
// without samples.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := max(uint64(math.Ceil(q*float64(h.n))), 1)
	var seen uint64
	for i, c := range h.counts {
		seen += c
		if seen >= rank {
			return min(time.Duration(upperEdge(i)), h.max)
		}
	}
	return h.max
}

// bucketOf maps v to its bucket: exact below 128, then 128 buckets per power of two.
func bucketOf(v uint64) int {
	if v < subBuckets {
		return int(v)
	}
	shift := bits.Len64(v) - subBits - 1
	if shift >= octaves {
		return buckets - 1
	}
	return shift<<subBits + int(v>>shift)
}

// upperEdge is the largest value that falls into bucket i.
func upperEdge(i int) uint64 {
	if i < subBuckets {
		return uint64(i)
	}
	shift := i>>subBits - 1
	mantissa := uint64(i - shift<<subBits)
	return (mantissa+1)<<shift - 1
}
