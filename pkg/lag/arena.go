package lag

// arena hands out parts of large arrays, as there are very many groups, and each has little. An array stays as long as a part of it
// is in use, so they are not so large that a few groups keep much else in memory. The first ones are smaller, as a small cluster has
// no use for more: a thousand topics take half a megabyte.
type arena[T any] struct {
	free []T
	next int // how many elements the next array has; 0 at first
}

const arenaFirst, arenaLargest = 32, 1024

// take returns room for n elements.
func (a *arena[T]) take(n int) []T {
	if n > len(a.free) {
		if n > arenaLargest/4 {
			return make([]T, 0, n)
		}
		a.next = min(max(arenaFirst, 2*a.next), arenaLargest)
		for a.next < 4*n {
			a.next *= 2
		}
		a.free = make([]T, a.next)
	}
	part := a.free[:0:n]
	a.free = a.free[n:]
	return part
}
