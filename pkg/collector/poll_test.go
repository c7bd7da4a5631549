package collector

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// TestEachPollIsTold: of both lanes, and also one that could read nothing.
func TestEachPollIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(time.Second, readerFunc(func(context.Context) *lag.Observation {
			obs := down()
			time.Sleep(300 * time.Millisecond) // of the fake clock
			return obs
		}))
		var told []Poll
		f.metrics.EachPoll(func(p Poll) { told = append(told, p) })
		f.pollAll(t.Context())
		f.metrics.observeWanted(healthy(), nil)
		if len(told) != 2 || told[0].Lane != "all" || told[1].Lane != "wanted" || told[0].Observation.MetadataErr == nil {
			t.Fatalf("%+v", told)
		}
		if took := told[0].EndedAt.Sub(told[0].Observation.StartedAt); took != 300*time.Millisecond {
			t.Errorf("the poll took %s", took)
		}
	})
}

// BenchmarkObservePoll is what the metrics of a poll cost without anybody to tell it to.
func BenchmarkObservePoll(b *testing.B) {
	f := newFixture(time.Second, readerFunc(func(context.Context) *lag.Observation { return healthy() }))
	obs := healthy()
	b.ReportAllocs()
	for b.Loop() {
		f.metrics.ended(obs, "all")
	}
}
