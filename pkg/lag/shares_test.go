package lag_test

import (
	"math"
	"slices"
	"testing"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

func TestShares(t *testing.T) {
	for _, tc := range []struct {
		total int64
		want  []int64
	}{
		{0, []int64{0, 0, 0}},
		{1, []int64{1, 0, 0}},
		{42, []int64{5, 5, 5, 5, 5, 5, 4, 4, 4}},
		{math.MaxInt64, []int64{math.MaxInt64}},
		{math.MaxInt64, []int64{1 << 62, 1<<62 - 1}},
	} {
		if got := lag.Shares(tc.total, len(tc.want)); !slices.Equal(got, tc.want) {
			t.Errorf("Shares(%d, %d) = %v, want %v", tc.total, len(tc.want), got, tc.want)
		}
	}
}

func FuzzShares(f *testing.F) {
	f.Add(int64(0), uint16(0))
	f.Add(int64(42), uint16(8))
	f.Add(int64(math.MaxInt64), uint16(math.MaxUint16))
	f.Fuzz(func(t *testing.T, total int64, more uint16) {
		if total < 0 {
			total = -(total + 1)
		}
		checkShares(t, total, int(more)+1)
	})
}
