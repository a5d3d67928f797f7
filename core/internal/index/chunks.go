package index

// chunks is a list that grows without moving: copies of a long one would be as
// much garbage again, and a pause.
type chunks[T any] struct {
	all [][]T // all full but the last
}

const (
	chunkBits = 14
	chunkSize = 1 << chunkBits
)

func (c *chunks[T]) add(v T) {
	n := len(c.all)
	switch {
	case n > 0 && len(c.all[n-1]) < chunkSize:
	case n < cap(c.all) && c.all[:n+1][n] != nil: // emptied by pop
		c.all, n = c.all[:n+1], n+1
	case n == 0:
		c.all, n = append(c.all, nil), 1 // the first one grows: there may be few
	default:
		c.all, n = append(c.all, make([]T, 0, chunkSize)), n+1
	}
	c.all[n-1] = append(c.all[n-1], v)
}

// pop takes the last item away.
func (c *chunks[T]) pop() (v T, ok bool) {
	n := len(c.all)
	if n == 0 {
		return v, false
	}
	last := c.all[n-1]
	v = last[len(last)-1]
	c.all[n-1] = last[:len(last)-1]
	if len(last) == 1 {
		c.all = c.all[:n-1]
	}
	return v, true
}

func (c *chunks[T]) len() int {
	if n := len(c.all); n > 0 {
		return (n-1)<<chunkBits + len(c.all[n-1])
	}
	return 0
}

func (c *chunks[T]) at(i uint32) *T { return &c.all[i>>chunkBits][i&(chunkSize-1)] }
