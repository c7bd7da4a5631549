package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/fakekafka"
)

// The goals of the table.
const (
	goalRatio   = "≤ 1.5"
	goalMallocs = "< 0.1"
	goalPeak    = "≤ 400 MiB"
)

func printCollections(out io.Writer, rows []collectionRow) error {
	costs := newTable(out, "size", "groups × partitions", "requests", "sent, received", "floor: CPU, wall", "collector: CPU, wall", "of it Compute", "CPU ratio", "goal", "floor by kmsg: CPU, ratio",
		"allocations per group-partition", "goal")
	for i := range rows {
		r := &rows[i]
		requests, in, received := traffic(r.counts)
		ratio, mallocs := "", ""
		if r.partitions() >= 100_000 {
			ratio = goalRatio
		}
		if r.partitions() >= 1_000_000 {
			mallocs = goalMallocs
		}
		costs.row(r.size, fmt.Sprintf("%d × %d", r.shape.Groups, r.shape.PartitionsPerGroup), fmt.Sprint(requests), fmt.Sprintf("%.0f, %.0f KiB", in, received),
			milliseconds(r.floor.CPU)+", "+milliseconds(r.floor.Wall), milliseconds(r.collector.CPU)+", "+milliseconds(r.collector.Wall), milliseconds(r.compute.CPU),
			fmt.Sprintf("**%.2f**", float64(r.collector.CPU)/float64(r.floor.CPU)), ratio,
			fmt.Sprintf("%s, %.2f", milliseconds(r.library.CPU), float64(r.collector.CPU)/float64(r.library.CPU)), fmt.Sprintf("%.3f", float64(r.collector.Mallocs)/float64(r.partitions())), mallocs)
	}
	if err := costs.end(); err != nil {
		return err
	}
	memory := newTable(out, "size", "peak RSS", "goal", "heap in use", "/metrics with gzip, once per snapshot", "of size", "requests of a collection")
	for i := range rows {
		r := &rows[i]
		peak := ""
		if r.partitions() >= 1_000_000 {
			peak = goalPeak
		}
		memory.row(r.size, fmt.Sprintf("%.0f MiB", r.peak), peak, fmt.Sprintf("%.0f MiB", r.live), milliseconds(r.scrape.CPU), fmt.Sprintf("%.0f KiB", float64(r.scrapeBytes)/1024),
			r.requests())
	}
	return memory.end()
}

// traffic sums the counts, in KiB.
func traffic(counts map[kmsg.Key]fakekafka.Count) (requests int64, in, out float64) {
	for key, c := range counts {
		if key == kmsg.ApiVersions {
			continue
		}
		requests += c.Requests
		in += float64(c.BytesIn) / 1024
		out += float64(c.BytesOut) / 1024
	}
	return requests, in, out
}

func (row *collectionRow) requests() string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(row.counts)) {
		parts = append(parts, fmt.Sprintf("%s %d", kmsg.NameForKey(int16(key)), row.counts[key].Requests))
	}
	return strings.Join(parts, ", ")
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

// table prints Markdown.
type table struct {
	out     *tabwriter.Writer
	columns int
}

func newTable(out io.Writer, titles ...string) *table {
	t := &table{out: tabwriter.NewWriter(out, 0, 0, 1, ' ', 0), columns: len(titles)}
	_, _ = fmt.Fprintln(t.out)
	t.row(titles...)
	t.row(slices.Repeat([]string{"---"}, t.columns)...)
	return t
}

func (t *table) row(cells ...string) {
	_, _ = fmt.Fprintln(t.out, "| "+strings.Join(cells, "\t| ")+"\t|")
}

func (t *table) end() error { return t.out.Flush() }
