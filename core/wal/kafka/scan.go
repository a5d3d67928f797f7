package kafka

import (
	"cmp"
	"context"
)

// Keyed is a record of a compacted topic.
type Keyed struct {
	Offset int64
	Key    string
	Value  []byte
}

// scan shows each all records that there are now.
func (p *partition) scan(ctx context.Context, each func(Keyed)) error {
	start, end, err := p.Bounds(ctx)
	if err != nil {
		return err
	}
	for next := start; next < end; {
		records, b, err := p.fetch(ctx, next, fetchBytes)
		if err != nil && final(err) {
			return err
		}
		if err != nil || b.Next == next {
			if e := pause(ctx, 5*retryAfter); e != nil {
				return cmp.Or(err, e)
			}
			continue
		}
		for _, r := range records {
			each(Keyed{r.Offset, string(r.Key), r.Value})
		}
		next = b.Next
	}
	return nil
}
