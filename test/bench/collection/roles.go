package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/fakekafka"
)

// What a process can be told to do.
const (
	doStart   = "start"
	doAdvance = "advance" // the fake: move the offsets, and begin to record and count
	doReport  = "report"  // the fake: what was recorded and counted
	doReplay  = "replay"  // the floor: a collection
	doCollect = "collect" // the collector: a collection of the whole cluster
	doHot     = "hot"     // the collector: polls of some groups
	doScrape  = "scrape"  // the collector: encode /metrics from the snapshot
	doCheck   = "check"   // the collector: count the rows
	doMemory  = "memory"  // the collector: how much it takes, and has ever taken
)

// fakeRole answers as the brokers.
type fakeRole struct{ cluster *fakekafka.Cluster }

func (f *fakeRole) do(c command) (r reply, err error) {
	switch c.Do {
	case doStart:
		if f.cluster, err = fakekafka.New(c.Shape); err == nil {
			r.Addresses = f.cluster.Addresses()
		}
	case doAdvance:
		f.cluster.Advance()
		f.cluster.Counts()
		f.cluster.Record()
	case doReport:
		r.Recorded, r.Counts = f.cluster.Recorded(), f.cluster.Counts()
	default:
		err = fmt.Errorf("the fake cannot %q", c.Do)
	}
	return r, err
}

// floorRole is the floor.
type floorRole struct {
	library bool
	floor   *floor
	meter   meter
}

func (f *floorRole) do(c command) (r reply, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	switch c.Do {
	case doStart:
		f.floor, err = newFloor(ctx, c.Addresses, f.library)
	case doReplay:
		began := time.Now()
		rows, err := f.floor.replay(ctx, c.Recorded)
		wall := time.Since(began)
		if err != nil {
			return r, err
		}
		r.Sample, err = f.meter.lap(wall, rows)
		return r, err
	default:
		err = fmt.Errorf("the floor cannot %q", c.Do)
	}
	return r, err
}

var errNothingRead = errors.New("nothing was collected yet")
