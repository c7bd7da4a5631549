package lag

// arena hands out parts of large arrays, as there are very many groups, and each has little. An array stays as long as a part of it
// is in use, so they are not so large that a few groups keep much else in memory, and what outlasts the next collections is copied
// out of them (detach.go).
type arena[T any] struct {
	free  []T
	chunk int // size of the last array: the first ones are small, for there may be only few groups
}

const (
	smallestChunk = 16
	largestChunk  = 1024
)

// take returns room for n elements.
func (a *arena[T]) take(n int) []T {
	if n > len(a.free) {
		if n > largestChunk/4 {
			return make([]T, 0, n)
		}
		a.chunk = min(max(2*a.chunk, n, smallestChunk), largestChunk)
		a.free = make([]T, a.chunk)
	}
	part := a.free[:0:n]
	a.free = a.free[n:]
	return part
}
