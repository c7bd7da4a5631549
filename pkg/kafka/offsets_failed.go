package kafka

import (
	"cmp"
	"slices"
	"sync"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// offsetFailure says why one offset could not be read.
type offsetFailure struct {
	kind             offsetKind
	topic, partition int // indexes, in the observation
	err              error
}

// offsetFailures are few at most times, so they are kept apart from the offsets.
type offsetFailures struct {
	mu   sync.Mutex
	list []offsetFailure // mu
}

// fail notes why an offset that was asked for could not be read. The first reason counts.
func (c *collection) fail(kind offsetKind, topic, partition int, err error) {
	values := kind.column(&c.obs.Topics[topic]).Values
	if values[partition] == offsetFailed {
		return
	}
	values[partition] = offsetFailed
	c.failures.mu.Lock()
	defer c.failures.mu.Unlock()
	c.failures.list = append(c.failures.list, offsetFailure{kind, topic, partition, err})
}

// retry takes the failures out that are worth another try.
func (c *collection) retry(worth func(error) bool) (again []offsetFailure) {
	c.failures.list = slices.DeleteFunc(c.failures.list, func(f offsetFailure) bool {
		if !worth(f.err) {
			return false
		}
		again = append(again, f)
		return true
	})
	return again
}

// noteFailures puts the failures into the observation, once all has been tried.
func (c *collection) noteFailures() {
	list := c.failures.list
	slices.SortFunc(list, compareFailures)
	for _, f := range list {
		column := f.kind.column(&c.obs.Topics[f.topic])
		column.Values[f.partition] = lag.NoOffset
		column.Others = append(column.Others, lag.OtherOffset{Index: f.partition, Err: f.err})
	}
}

func compareFailures(a, b offsetFailure) int {
	return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.kind.need, b.kind.need), cmp.Compare(a.partition, b.partition))
}
