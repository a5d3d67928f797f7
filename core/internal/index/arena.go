package index

import "math/bits"

// arena keeps many short arrays of T. An array's room is a power of two of items
// and grows by moving; it is named by a number, so that nothing in an arena is
// looked at by the garbage collector (T has no pointers) and a short array costs
// little more than its items.
type arena[T any] struct {
	pages [][]T
	open  int              // the page that new arrays are taken from
	left  int              // items of it that are free, at its end
	free  []chunks[uint32] // arrays given back, by class
}

const (
	pageBits = 12
	pageLen  = 1 << pageBits
)

// class returns the class of an array of n items: it has room for 1<<class.
func class(n int) int { return bits.Len(uint(n - 1)) }

// array returns the items of an array.
func (a *arena[T]) array(name uint32, n int) []T {
	from := int(name & (pageLen - 1))
	return a.pages[name>>pageBits][from : from+n : from+n]
}

// take returns an array of a class; its items have any value.
func (a *arena[T]) take(class int) uint32 {
	if class < len(a.free) {
		if name, ok := a.free[class].pop(); ok {
			return name
		}
	}
	if class >= pageBits {
		a.pages = append(a.pages, make([]T, 1<<class))
		return uint32(len(a.pages)-1) << pageBits
	}
	if a.left < 1<<class {
		a.newPage()
	}
	return a.cut(class)
}

// cut takes an array from the open page.
func (a *arena[T]) cut(class int) uint32 {
	name := uint32(a.open<<pageBits | (pageLen - a.left))
	a.left -= 1 << class
	return name
}

// newPage opens a page; what is left of the one before goes to the free arrays.
func (a *arena[T]) newPage() {
	for a.left > 0 {
		c := bits.Len(uint(a.left)) - 1
		a.give(a.cut(c), c)
	}
	a.pages = append(a.pages, make([]T, pageLen))
	a.open, a.left = len(a.pages)-1, pageLen
}

// give takes an array back.
func (a *arena[T]) give(name uint32, class int) {
	for class >= len(a.free) {
		a.free = append(a.free, chunks[uint32]{})
	}
	a.free[class].add(name)
}

// resize returns the array with room for m items instead of n, both above 0. The
// first of its items keep their values.
func (a *arena[T]) resize(name uint32, n, m int) uint32 {
	from, to := class(n), class(m)
	if from == to {
		return name
	}
	moved := a.take(to)
	copy(a.array(moved, min(n, m)), a.array(name, min(n, m)))
	a.give(name, from)
	return moved
}

// len returns how many items the arena has room for.
func (a *arena[T]) len() int {
	n := 0
	for _, p := range a.pages {
		n += len(p)
	}
	return n
}
