package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/fakekafka"
)

const (
	hotGroups = 50
	hotPolls  = 20 // of each batch: they are short
)

// hotRow is what a poll of some groups costs in a large cluster, and in one that has no others.
type hotRow struct {
	size          string
	shape         fakekafka.Shape
	within, alone sample
	counts        map[kmsg.Key]fakekafka.Count // of one poll within
}

func measureHot(ctx context.Context, size string, o options) (row hotRow, err error) {
	row.size = size
	if row.shape, err = fakekafka.OfSize(size); err != nil {
		return row, err
	}
	small := row.shape
	small.Groups, small.GroupsPerTopic = hotGroups, 1 // as many topics as the hot groups have within
	within, err := newStage(ctx, row.shape, o.interval)
	if err != nil {
		return row, err
	}
	defer func() { err = errors.Join(err, within.close()) }()
	alone, err := newStage(ctx, small, o.interval)
	if err != nil {
		return row, err
	}
	defer func() { err = errors.Join(err, alone.close()) }()
	return row, row.costs(within, alone, o)
}

// costs lets both take turns.
func (row *hotRow) costs(within, alone *stage, o options) error {
	var costs [2][]sample
	var collectors [2]*process
	stages := [2]*stage{within, alone}
	for i, s := range stages {
		p, err := s.start("collector", "-profile="+o.profile)
		if err != nil {
			return err
		}
		collectors[i] = p
		for range warmUp { // the second finds members and log starts known
			if _, err := p.do(command{Do: doCollect}); err != nil {
				return err
			}
		}
	}
	for batch := range o.batches + 1 { // the first makes connections
		for i, s := range stages {
			if _, err := s.fake.do(command{Do: doAdvance}); err != nil {
				return err
			}
			r, err := collectors[i].do(command{Do: doHot, Groups: hotNames(s.shape), Times: hotPolls})
			if err != nil {
				return err
			}
			if batch > 0 {
				costs[i] = append(costs[i], r.Sample.over(hotPolls))
			}
		}
	}
	row.within, row.alone = median(costs[0]), median(costs[1])
	seen, err := within.fake.do(command{Do: doReport})
	row.counts = seen.Counts
	for _, p := range collectors {
		_, checkErr := p.do(command{Do: doCheck})
		err = errors.Join(err, checkErr)
	}
	return err
}

// hotNames returns the hot groups, of which no two share a topic if there are enough.
func hotNames(s fakekafka.Shape) []string {
	names := make([]string, hotGroups)
	for i := range names {
		names[i] = s.Group(i * (s.Groups / hotGroups))
	}
	return names
}

func printHot(out io.Writer, rows []hotRow) error {
	t := newTable(out, "hot lane: 50 groups of", "group-partitions of the cluster", "requests", "CPU", "CPU with no other groups", "ratio", "goal", "wall", "allocations")
	for i := range rows {
		r := &rows[i]
		requests, _, _ := traffic(r.counts)
		t.row(fmt.Sprintf("%d partitions (%s)", r.shape.PartitionsPerGroup, r.size), fmt.Sprint(r.shape.Groups*r.shape.PartitionsPerGroup),
			fmt.Sprintf("%.1f", float64(requests)/hotPolls), milliseconds(r.within.CPU), milliseconds(r.alone.CPU),
			fmt.Sprintf("**%.2f**", float64(r.within.CPU)/float64(r.alone.CPU)), "≈ 1", milliseconds(r.within.Wall),
			fmt.Sprintf("%.2f", float64(r.within.Mallocs)/float64(hotGroups*r.shape.PartitionsPerGroup)))
	}
	return t.end()
}
