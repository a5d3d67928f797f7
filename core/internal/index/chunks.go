package index

// chunks is a list that grows without moving: what a builder collects is large,
// and copies of it would be as much garbage again.
type chunks[T any] struct {
	all [][]T // all full but the last
}

const (
	chunkBits = 14
	chunkSize = 1 << chunkBits
)

func (c *chunks[T]) add(v T) {
	n := len(c.all)
	if n == 0 {
		c.all, n = append(c.all, nil), 1 // the first one grows: a segment may have few
	} else if len(c.all[n-1]) == chunkSize {
		c.all, n = append(c.all, make([]T, 0, chunkSize)), n+1
	}
	c.all[n-1] = append(c.all[n-1], v)
}

func (c *chunks[T]) len() int {
	if n := len(c.all); n > 0 {
		return (n-1)<<chunkBits + len(c.all[n-1])
	}
	return 0
}

func (c *chunks[T]) at(i uint32) *T { return &c.all[i>>chunkBits][i&(chunkSize-1)] }
