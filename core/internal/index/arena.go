package index

import "math/bits"

// arena keeps many short arrays of T. An array's room is a power of two of items
// and grows by moving; it is named by a number, so that nothing in an arena is
// looked at by the garbage collector (T has no pointers) and a short array costs
// little more than its items.
type arena[T any] struct {
	pages [][]T
	open  int        // the page that new arrays are taken from
	used  int        // items of it
	free  [][]uint32 // arrays given back, by class
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
		if n := len(a.free[class]); n > 0 {
			name := a.free[class][n-1]
			a.free[class] = a.free[class][:n-1]
			return name
		}
	}
	if class >= pageBits {
		a.pages = append(a.pages, make([]T, 1<<class))
		return uint32(len(a.pages)-1) << pageBits
	}
	if len(a.pages) == 0 || a.used+1<<class > pageLen {
		a.newPage()
	}
	name := uint32(a.open<<pageBits | a.used)
	a.used += 1 << class
	return name
}

// newPage opens a page; what is left of the one before goes to the free arrays.
func (a *arena[T]) newPage() {
	if len(a.pages) > 0 {
		for a.used < pageLen {
			c := bits.TrailingZeros(uint(a.used))
			for a.used+1<<c > pageLen {
				c--
			}
			a.give(uint32(a.open<<pageBits|a.used), c)
			a.used += 1 << c
		}
	}
	a.pages = append(a.pages, make([]T, pageLen))
	a.open, a.used = len(a.pages)-1, 0
}

// give takes an array back.
func (a *arena[T]) give(name uint32, class int) {
	for class >= len(a.free) {
		a.free = append(a.free, nil)
	}
	a.free[class] = append(a.free[class], name)
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
