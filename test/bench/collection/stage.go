package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/fakekafka"
)

// stage is a fake cluster and the processes that read it.
type stage struct {
	ctx       context.Context
	shape     fakekafka.Shape
	fake      *process
	slowEvery time.Duration // of collectors
	addresses []string
	others    []*process
}

// slowIntervals is after how many intervals the collector reads again what changes slowly: the program's own setting with its
// default interval and max-age. Each collection thus reads a third of it.
const slowIntervals = 3

func newStage(ctx context.Context, shape fakekafka.Shape, interval time.Duration) (*stage, error) {
	fake, err := start(ctx, "fake")
	if err != nil {
		return nil, err
	}
	s := &stage{ctx: ctx, shape: shape, fake: fake, slowEvery: slowIntervals * interval}
	r, err := fake.do(command{Do: doStart, Shape: shape})
	if err != nil {
		return nil, errors.Join(err, fake.stop())
	}
	s.addresses = r.Addresses
	return s, nil
}

// close ends all processes.
func (s *stage) close() error {
	var errs []error
	for _, p := range slices.Backward(s.others) {
		errs = append(errs, p.stop())
	}
	return errors.Join(append(errs, s.fake.stop())...)
}

func (s *stage) start(role string, args ...string) (*process, error) {
	p, err := start(s.ctx, role, args...)
	if err != nil {
		return nil, err
	}
	s.others = append(s.others, p)
	_, err = p.do(command{Do: doStart, Addresses: s.addresses, SlowEvery: s.slowEvery})
	return p, err
}
