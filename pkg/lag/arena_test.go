package lag

import "testing"

func TestArenaOfFewIsSmall(t *testing.T) {
	var a arena[Topic]
	a.take(1)
	if got := 1 + len(a.free); got > 64 {
		t.Errorf("room for %d elements was made for one", got)
	}
	for range 10 * largestChunk {
		a.take(3)
	}
	if a.chunk != largestChunk {
		t.Errorf("arrays of %d elements for many, want %d", a.chunk, largestChunk)
	}
}

func TestArenaPartsDoNotOverlap(t *testing.T) {
	var a arena[int]
	var parts [][]int
	for i := range 500 {
		part := a.take(i)
		if len(part) != 0 || cap(part) < i {
			t.Fatalf("asked for %d, got %d of %d", i, len(part), cap(part))
		}
		for range i {
			part = append(part, i)
		}
		parts = append(parts, part)
	}
	for i, part := range parts {
		for _, got := range part {
			if got != i {
				t.Fatalf("part %d has an element of part %d", i, got)
			}
		}
	}
}
