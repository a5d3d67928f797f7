package process

import (
	"bufio"
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
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, fmt.Errorf("read metrics: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("read metrics of %s: %s", addr, resp.Status)
	}
	return metric(resp.Body, mallocsMetric)
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
