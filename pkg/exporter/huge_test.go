package exporter

import (
	"bytes"
	"math"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// A group's total in the names of other exporters is bounded, too: of two topics that have the most each.
func TestRow25TotalsOfOtherDialects(t *testing.T) {
	topics := func(lags ...int64) (all []lag.TopicLag) {
		for _, records := range lags {
			all = append(all, lag.TopicLag{Partitions: []lag.PartitionLag{{Lag: records}}})
		}
		return all
	}
	if total, ok := sumLag(topics(lag.MaxLag-1, 1)); !ok || total != lag.MaxLag {
		t.Errorf("%d, %v", total, ok)
	}
	for _, lags := range [][]int64{{lag.MaxLag, 1}, {lag.MaxLag, lag.MaxLag}, {1, lag.MaxLag}} {
		if total, ok := sumLag(topics(lags...)); ok {
			t.Errorf("%v: %d", lags, total)
		}
	}
}

// A lag that a sample cannot hold exactly is no lag: it is not shown, nor anything that it would be a part of, and all else is.
func TestRow25HugeLagIsNotShown(t *testing.T) {
	const (
		part0 = `kafka_consumergroup_lag{consumergroup="billing", partition="0", topic="orders"}`
		part1 = `kafka_consumergroup_lag{consumergroup="billing", partition="1", topic="orders"}`
		sum   = `kafka_consumergroup_lag_sum{consumergroup="billing", topic="orders"}`
		up    = `kafka_consumergroup_up{consumergroup="billing"}`
		other = `kafka_consumergroup_lag_sum{consumergroup="say \"hi\"\nback\\slash", topic="orders"}`
	)
	const most = 1 << 53
	shown := func(t *testing.T, ends ...int64) map[string]float64 {
		obs := observe("default", t0)
		copy(obs.Topics[1].Ends.Values, ends)
		h, _ := newHandler(prometheus.NewRegistry(), &bytes.Buffer{}, compute(obs))
		values, _ := parse(t, get(t, h).Body.Bytes())
		for series, value := range values {
			if math.IsNaN(value) || value < 0 && series != `kafka_topic_partition_leader{partition="0", topic="idle"}` {
				t.Errorf("%s %v", series, value)
			}
		}
		if values[other] != 7 {
			t.Errorf("%s %v, want 7", other, values[other])
		}
		return values
	}
	for name, tc := range map[string]struct {
		ends  [2]int64 // the commits are 58 and 50
		shows map[string]float64
		lacks []string
	}{
		"the largest":      {[2]int64{58 + most, 50}, map[string]float64{part0: most, part1: 0, sum: most, up: 1}, nil},
		"one more":         {[2]int64{58 + most + 1, 50}, map[string]float64{part1: 0, up: 0}, []string{part0, sum}},
		"9.3e15":           {[2]int64{9_300_000_000_000_000, 50}, map[string]float64{part1: 0, up: 0}, []string{part0, sum}},
		"of all that is":   {[2]int64{math.MaxInt64, 50}, map[string]float64{part1: 0, up: 0}, []string{part0, sum}},
		"only as a sum":    {[2]int64{58 + most, 51}, map[string]float64{part0: most, part1: 1}, []string{sum}},
		"and one that can": {[2]int64{math.MaxInt64, 60}, map[string]float64{part1: 10, up: 0}, []string{part0, sum}},
	} {
		t.Run(name, func(t *testing.T) {
			values := shown(t, tc.ends[:]...)
			for series, want := range tc.shows {
				if got, ok := values[series]; !ok || got != want {
					t.Errorf("%s %v (%v), want %v", series, got, ok, want)
				}
			}
			for _, series := range tc.lacks {
				if got, ok := values[series]; ok {
					t.Errorf("%s %v, want none", series, got)
				}
			}
		})
	}
}
