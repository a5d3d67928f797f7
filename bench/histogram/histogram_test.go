package histogram

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestEveryValueFallsIntoABucketThatHoldsIt(t *testing.T) {
	for _, v := range []uint64{0, 1, 127, 128, 129, 255, 256, 257, 1000, 65535, 65536, 1e6, 1e9, 1<<40 - 1} {
		i := bucketOf(v)
		hi := upperEdge(i)
		lo := uint64(0)
		if i > 0 {
			lo = upperEdge(i-1) + 1
		}
		if v < lo || v > hi {
			t.Errorf("value %d is in bucket %d, which spans %d..%d", v, i, lo, hi)
		}
		if width := hi - lo + 1; float64(width) > float64(v)/subBuckets+1 {
			t.Errorf("bucket of %d is %d wide", v, width)
		}
	}
}

func TestBucketsAreContiguous(t *testing.T) {
	for i := 1; i < buckets; i++ {
		if got := bucketOf(upperEdge(i-1) + 1); got != i {
			t.Fatalf("the value after the upper edge of bucket %d is in bucket %d", i-1, got)
		}
	}
}

func TestBeyondTheRangeCountsInTheLastBucketAndMaxStaysExact(t *testing.T) {
	var h Histogram
	h.Record(time.Hour)
	if h.counts[buckets-1] != 1 {
		t.Error("an hour is not in the last bucket")
	}
	if h.Max() != time.Hour {
		t.Errorf("max = %v", h.Max())
	}
}

func TestQuantilesAgreeWithSortedSamples(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var h Histogram
	samples := make([]time.Duration, 200_000)
	for i := range samples {
		samples[i] = time.Duration(rng.ExpFloat64() * 50_000)
		h.Record(samples[i])
	}
	slices.Sort(samples)
	for _, q := range []float64{0.5, 0.9, 0.99, 0.999, 0.9999, 1} {
		want := samples[max(int(q*float64(len(samples))), 1)-1]
		got := h.Quantile(q)
		if got < want || float64(got) > float64(want)*1.01+1 {
			t.Errorf("quantile %v = %v, sorted samples say %v", q, got, want)
		}
	}
}

func TestMergeIsTheSameAsRecordingAll(t *testing.T) {
	var a, b, all Histogram
	for i := range 1000 {
		d := time.Duration(i*i) * time.Nanosecond
		all.Record(d)
		if i%3 == 0 {
			a.Record(d)
			continue
		}
		b.RecordN(d, 1)
	}
	a.Merge(&b)
	if a != all {
		t.Error("merged histogram differs from one that recorded everything")
	}
}

func TestSummaryRefusesP9999OfFewSamples(t *testing.T) {
	var h Histogram
	if h.Summary() != nil {
		t.Error("a summary of nothing")
	}
	h.RecordN(time.Millisecond, minForP9999-1)
	if h.Summary().P9999 != nil {
		t.Error("p99.99 of 99,999 samples was not refused")
	}
	h.Record(2 * time.Millisecond)
	if h.Summary().P9999 == nil {
		t.Error("p99.99 of 100,000 samples was refused")
	}
}

func TestRecordDoesNotAllocate(t *testing.T) {
	var h Histogram
	if n := testing.AllocsPerRun(100, func() { h.Record(12345) }); n != 0 {
		t.Errorf("%v allocations per Record", n)
	}
}
