package process

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// mallocsMetric is the count of heap allocations since the start, as the Go collector of the Prometheus client names
// it.
const mallocsMetric = "go_memstats_mallocs_total"

// Mallocs reads how many heap objects a Go server has allocated so far, from its /metrics at addr (host:port).
func Mallocs(ctx context.Context, addr string) (float64, error) {
	values, err := Metrics(ctx, addr, mallocsMetric)
	if err != nil {
		return 0, err
	}
	return values[0], nil
}

// Metrics reads metrics without labels from a server's /metrics at addr (host:port), in the order of their names.
func Metrics(ctx context.Context, addr string, names ...string) ([]float64, error) {
	page, err := metricsPage(ctx, addr)
	if err != nil {
		return nil, err
	}
	values := make([]float64, len(names))
	for i, name := range names {
		if values[i], err = metric(bytes.NewReader(page), name); err != nil {
			return nil, err
		}
	}
	return values, nil
}

func metricsPage(ctx context.Context, addr string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("read metrics of %s: %s", addr, resp.Status)
	}
	return io.ReadAll(resp.Body)
}

// metric finds a metric without labels in the Prometheus text format.
func metric(r io.Reader, name string) (float64, error) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		value, ok := strings.CutPrefix(lines.Text(), name+" ")
		if ok {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, fmt.Errorf("no metric %s", name)
}
