package traffic

import (
	"math"
	"time"
)

// The shape of the wave, in records per second. Together they stay below what twelve consumers of the demo can process.
const (
	waveLow     = 20
	waveHigh    = 160
	wavePeriod  = 40 * time.Second
	burst       = 220 // on top of the wave
	burstLength = 4 * time.Second
	burstPeriod = 25 * time.Second
	burstStart  = 6 * time.Second // within each period
)

// Wave is how many records per second are produced at that time since the start: a slow wave with bursts, the same in every run.
func Wave(elapsed time.Duration) float64 {
	phase := 2 * math.Pi * elapsed.Seconds() / wavePeriod.Seconds()
	rate := waveLow + (waveHigh-waveLow)*(1-math.Cos(phase))/2
	if at := elapsed % burstPeriod; at >= burstStart && at < burstStart+burstLength {
		rate += burst
	}
	return rate
}
