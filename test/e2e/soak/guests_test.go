package soak

import "testing"

// Guests that live at the same time have about as many partitions together, whenever that is.
func TestGuestsAreAlike(t *testing.T) {
	for n := int64(1); n < 3000; n++ {
		partitions := int32(0)
		for i := range int64(staying) {
			partitions += newGuest(n + i).partitions
		}
		if least := int32(2*staying - 1); partitions < least || partitions > least+2 {
			t.Fatalf("guests from %d on have %d partitions", n, partitions)
		}
	}
}
