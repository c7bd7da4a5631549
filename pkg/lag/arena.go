package lag

// arena hands out parts of large arrays, as there are very many groups, and each has little. An array stays as long as a part of it
// is in use, so they are not so large that a few groups keep much else in memory.
type arena[T any] struct{ free []T }

const arenaChunk = 1024

// take returns room for n elements.
func (a *arena[T]) take(n int) []T {
	if n > len(a.free) {
		if n > arenaChunk/4 {
			return make([]T, 0, n)
		}
		a.free = make([]T, arenaChunk)
	}
	part := a.free[:0:n]
	a.free = a.free[n:]
	return part
}
