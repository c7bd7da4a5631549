package lag_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// BenchmarkCompute works out 5,000 groups of 20 partitions each, on 100 topics, again and again, as a healthy cluster's
// collector does.
func BenchmarkCompute(b *testing.B) {
	const groups, topics, partitions = 5000, 100, 20
	var parts []part
	for i := range topics {
		var logs []topicPart
		for range partitions {
			logs = append(logs, log(0, 1000))
		}
		parts = append(parts, topic(fmt.Sprintf("topic-%02d", i), logs...))
	}
	offsets := make([]int64, partitions)
	for i := range groups {
		name := fmt.Sprintf("topic-%02d", i%topics)
		parts = append(parts, group(fmt.Sprintf("group-%04d", i), commits(name, offsets...), subscribes(name)))
	}
	o := observe(0, parts...)
	s := lag.Compute(nil, o, nil)

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for b.Loop() {
		s = lag.Compute(s, o, nil)
	}
	runtime.ReadMemStats(&after)
	rows := float64(b.N) * groups * partitions
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/rows, "ns/partition")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/rows, "allocs/partition")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/rows, "B/partition")
}
