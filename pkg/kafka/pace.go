package kafka

import (
	"hash/maphash"
	"math"
	"time"
)

// pace spreads what is read slowly over the collections. Each item has a moment of its own in every period, by its hash, and is
// due when that has passed since it was last read: so items that were first read together are not read together for ever.
type pace struct {
	every time.Duration
	base  time.Time // keeps Go's monotonic reading
	seed  maphash.Seed
}

func newPace(every time.Duration) pace {
	return pace{every: every, base: time.Now(), seed: maphash.MakeSeed()}
}

// hash returns the hash of the item of this name.
func (p pace) hash(name string) uint32 { return uint32(maphash.String(p.seed, name)) }

// due says whether an item must be read again. What was read before there was this pace, by another Reader with other settings, must.
func (p pace) due(readAt, now time.Time, hash uint32) bool {
	if p.every <= 0 || readAt.Before(p.base) {
		return true
	}
	return p.period(readAt, hash) != p.period(now, hash)
}

// period numbers the periods of an item.
func (p pace) period(t time.Time, hash uint32) int64 {
	shift := float64(hash) / math.MaxUint32
	return int64(math.Floor(float64(t.Sub(p.base))/float64(p.every) + shift))
}
