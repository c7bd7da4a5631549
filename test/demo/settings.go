package main

import (
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/demo/hpa"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/demo/traffic"
)

// The names of the demo.
const (
	namespace  = "default"
	deployment = "consumer"
	podLabel   = "consumer" // of the label app
	topic      = "orders"
	group      = "orders"
)

// settings are what a run consists of. Everything is quicker than in a cluster, so that a minute shows something.
type settings struct {
	length       time.Duration // 0: until the context ends
	pollInterval time.Duration // of the adapter
	sync         time.Duration // of the autoscaler
	autoscaler   hpa.Spec
	partitions   int32
	rate         func(elapsed time.Duration) float64 // records produced per second
	consumerRate float64                             // records per second of one consumer
}

func defaults() settings {
	return settings{
		pollInterval: time.Second,
		sync:         2 * time.Second,
		autoscaler:   hpa.Spec{TargetAverage: 40, Min: 1, Max: 12, ScaleDownWindow: 8 * time.Second},
		partitions:   12,
		rate:         traffic.Wave,
		consumerRate: 40,
	}
}
