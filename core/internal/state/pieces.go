package state

import "slices"

const (
	pageBits = 12
	pageLen  = 1 << pageBits
	// pieceBytes is how much of an image lies in one piece.
	pieceBytes = 256 << 10
)

// paged is a list that grows without moving what it holds: growing costs the
// same whatever its length.
type paged[T any] struct {
	pages [][]T
	n     int
}

func (p *paged[T]) add(item T) {
	if p.n == len(p.pages)*pageLen {
		p.pages = append(p.pages, make([]T, pageLen))
	}
	*p.at(p.n) = item
	p.n++
}

func (p *paged[T]) at(i int) *T { return &p.pages[i>>pageBits][i&(pageLen-1)] }

// pieces is an image as it grows, in pieces that do not move.
type pieces [][]byte

// last returns the piece that the next entry is appended to.
func (p *pieces) last() *[]byte {
	if n := len(*p); n > 0 && len((*p)[n-1]) < pieceBytes {
		return &(*p)[n-1]
	}
	*p = append(*p, make([]byte, 0, pieceBytes+pieceBytes/64)) // room for the entry that fills it
	return &(*p)[len(*p)-1]
}

// Join returns an image in one piece.
func Join(image [][]byte) []byte { return slices.Concat(image...) }
