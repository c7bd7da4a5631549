package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/fakekafka"
)

// warmUp is how many collections are not counted: connections are made, buffers and heaps grow.
const warmUp = 3

// collectionRow is what one size has cost, per collection.
type collectionRow struct {
	size             string
	shape            fakekafka.Shape
	counts           map[kmsg.Key]fakekafka.Count
	floor, collector sample
	library          sample // a floor that decodes by the library
	compute          sample // the part of collector
	scrape           sample
	scrapeBytes      int
	peak             float64 // with two snapshots alive and /metrics encoded after each collection
	live             float64
}

func (row *collectionRow) partitions() int { return row.shape.Groups * row.shape.PartitionsPerGroup }

func measureCollection(ctx context.Context, size string, o options) (row collectionRow, err error) {
	row.size = size
	if row.shape, err = fakekafka.OfSize(size); err != nil {
		return row, err
	}
	s, err := newStage(ctx, row.shape, o.interval)
	if err != nil {
		return row, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := row.costs(s, o); err != nil {
		return row, err
	}
	return row, row.memory(s, o)
}

// costs lets the collector and the floor take turns.
func (row *collectionRow) costs(s *stage, o options) error {
	collector, err := s.start("collector", "-profile="+o.profile)
	if err != nil {
		return err
	}
	floor, err := s.start("floor", "-profile="+o.profile)
	if err != nil {
		return err
	}
	library, err := s.start("library", "-profile="+o.profile)
	if err != nil {
		return err
	}
	var floors, libraries, collectors, computes []sample
	var floorSum, librarySum, collectorSum, computeSum sample
	ticker := time.NewTicker(o.interval)
	defer ticker.Stop()
	for i := range warmUp + o.batches*o.times {
		<-ticker.C
		collected, replayed, again, err := row.turn(s.fake, collector, floor, library)
		if err != nil {
			return err
		}
		switch n := i - warmUp + 1; {
		case n < 0:
		case n == 0:
			if err := row.check(collector); err != nil {
				return err
			}
		default:
			floorSum, librarySum = floorSum.plus(replayed), librarySum.plus(again)
			collectorSum, computeSum = collectorSum.plus(collected.Sample), computeSum.plus(collected.Part)
			if n%o.times == 0 {
				floors, libraries = append(floors, floorSum.over(o.times)), append(libraries, librarySum.over(o.times))
				collectors, computes = append(collectors, collectorSum.over(o.times)), append(computes, computeSum.over(o.times))
				floorSum, librarySum, collectorSum, computeSum = sample{}, sample{}, sample{}, sample{}
			}
		}
	}
	row.floor, row.library, row.collector, row.compute = median(floors), median(libraries), median(collectors), median(computes)
	return nil
}

// turn is one collection, and the same by both floors.
func (row *collectionRow) turn(fake, collector, floor, library *process) (collected reply, replayed, again sample, err error) {
	if _, err := fake.do(command{Do: doAdvance}); err != nil {
		return collected, replayed, again, err
	}
	if collected, err = collector.do(command{Do: doCollect}); err != nil {
		return collected, replayed, again, err
	}
	seen, err := fake.do(command{Do: doReport})
	if err != nil {
		return collected, replayed, again, err
	}
	row.counts = seen.Counts
	first, err := floor.do(command{Do: doReplay, Recorded: seen.Recorded})
	if err != nil {
		return collected, replayed, again, err
	}
	second, err := library.do(command{Do: doReplay, Recorded: seen.Recorded})
	if err == nil && first.Sample.Rows != second.Sample.Rows {
		err = fmt.Errorf("the floor has %d rows, the library %d", first.Sample.Rows, second.Sample.Rows)
	}
	return collected, first.Sample, second.Sample, err
}

// check makes sure that all was collected that is there.
func (row *collectionRow) check(collector *process) error {
	r, err := collector.do(command{Do: doCheck})
	if err == nil && r.Sample.Rows != row.partitions() {
		err = fmt.Errorf("%d of %d group-partitions were collected", r.Sample.Rows, row.partitions())
	}
	return err
}

// memory lets a fresh process collect and encode /metrics, with the snapshot before still alive.
func (row *collectionRow) memory(s *stage, o options) error {
	p, err := s.start("collector")
	if err != nil {
		return err
	}
	const rounds = 8
	var scrapes []sample
	ticker := time.NewTicker(o.interval)
	defer ticker.Stop()
	for range rounds {
		<-ticker.C
		if _, err := s.fake.do(command{Do: doAdvance}); err != nil {
			return err
		}
		for _, do := range []string{doCollect, doScrape} {
			r, err := p.do(command{Do: do})
			if err != nil {
				return err
			}
			if do == doScrape {
				scrapes, row.scrapeBytes = append(scrapes, r.Sample), r.Bytes
			}
		}
	}
	row.scrape = median(scrapes)
	if err := row.check(p); err != nil {
		return err
	}
	r, err := p.do(command{Do: doMemory})
	row.peak, row.live = r.PeakMiB, r.LiveMiB
	return err
}

// median takes the sample in the middle, by CPU.
func median(samples []sample) sample {
	samples = slices.SortedFunc(slices.Values(samples), func(a, b sample) int { return cmp.Compare(a.CPU, b.CPU) })
	return samples[len(samples)/2]
}
