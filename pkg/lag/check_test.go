package lag_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// failer is what checks need of a *testing.T or a *rapid.T.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkSnapshot checks what must hold of every snapshot, whatever was observed.
func checkSnapshot(t failer, s *lag.Snapshot, second int) {
	t.Helper()
	if err := chained(s); err != nil {
		t.Fatalf("a reading that is kept keeps another, or is not needed: %v", err)
	}
	for i, g := range s.Groups {
		if i > 0 && s.Groups[i-1].Name >= g.Name || s.Group(g.Name) != g {
			t.Fatalf("group %q is out of order", g.Name)
		}
		for i := range g.Topics {
			if i > 0 && g.Topics[i-1].Topic >= g.Topics[i].Topic {
				t.Fatalf("topic %q of group %q is out of order", g.Topics[i].Topic, g.Name)
			}
			checkTopic(t, g, &g.Topics[i])
		}
		checkSums(t, s, g, second)
	}
	for i := range s.Topics {
		for _, p := range logsOf(s.Topics[i]) {
			if p.Start.Value < 0 || p.End.Value < 0 {
				t.Fatalf("topic %q: %+v", s.Topics[i].Name, p)
			}
		}
	}
}

func checkTopic(t failer, g *lag.Group, topic *lag.TopicLag) {
	t.Helper()
	failed := false
	for i := range topic.Partitions {
		row := &topic.Partitions[i]
		readAt := topic.RowReadAt(row)
		failed = failed || topic.RowErr(row) != nil
		switch {
		case i > 0 && topic.Partitions[i-1].Partition >= row.Partition:
			t.Fatalf("%s %s: partition %d is out of order", g.Name, topic.Topic, row.Partition)
		case row.Lag < 0 || row.Lag > 1<<53 || row.Committed < lag.NoOffset:
			t.Fatalf("%s %s: %+v", g.Name, topic.Topic, row)
		case topic.RowErr(row) == nil && (!readAt.Equal(g.ReadAt) || !topic.ReadAt.Equal(g.ReadAt)):
			t.Fatalf("%s %s: %+v is not of the group's %v", g.Name, topic.Topic, row, g.ReadAt)
		case topic.RowErr(row) != nil && !readAt.IsZero() && !readAt.Before(g.ReadAt):
			t.Fatalf("%s %s: %+v was not read, but has the time of those that were", g.Name, topic.Topic, row)
		}
	}
	if failed && topic.Err == nil {
		t.Fatalf("%s %s: has unknown rows and does not say so", g.Name, topic.Topic)
	}
}

// checkSums adds up the rows of the group by hand and compares that with what Sum says, for the group and for each partition.
func checkSums(t failer, s *lag.Snapshot, g *lag.Group, second int) {
	t.Helper()
	var sum, greatest int64
	complete := !g.ReadAt.IsZero()
	for _, topic := range g.Topics {
		complete = complete && topic.Err == nil
		for i := range topic.Partitions {
			row := &topic.Partitions[i]
			sum, greatest = min(sum+row.Lag, 1<<54), max(greatest, row.Lag) // 2^54: too much, but no wrap
			one, err := ask(s, second, g.Name, onTopics(topic.Topic), onPartitions(row.Partition))
			if topic.RowErr(row) == nil && topic.RowKnown(row, at(second), maxAge) && topic.Err == nil && (err != nil || one.Lag != row.Lag || !one.ReadAt.Equal(topic.RowReadAt(row))) {
				t.Fatalf("%s %s: %+v, but the sum over it is %+v, %v", g.Name, topic.Topic, row, one, err)
			}
			if topic.RowErr(row) != nil && err == nil && (topic.LastComplete == nil && g.LastComplete == nil || !one.ReadAt.Before(g.ReadAt)) {
				t.Fatalf("%s %s: %+v, but the sum over it is %+v", g.Name, topic.Topic, row, one)
			}
		}
	}
	total, err := ask(s, second, g.Name)
	known := complete && sum <= 1<<53 && at(second).Sub(g.ReadAt) <= maxAge
	switch {
	case total.Lag < 0 || total.MaxLag > total.Lag:
		t.Fatalf("%s: %+v", g.Name, total)
	case known && len(g.Topics) > 0 && (err != nil || total.Lag != sum || total.MaxLag != greatest || !total.ReadAt.Equal(g.ReadAt)):
		t.Fatalf("%s: %+v, %v, want %d read at %v", g.Name, total, err, sum, g.ReadAt)
	case !known && err == nil && !total.ReadAt.Before(g.ReadAt):
		t.Fatalf("%s: %+v, though some of it is not known", g.Name, total)
	}
}

func checkShares(t failer, total int64, n int) {
	t.Helper()
	shares := lag.Shares(total, n)
	var sum int64
	for _, share := range shares {
		sum += share
	}
	if len(shares) != n || sum != total {
		t.Fatalf("%d shares of %d add up to %d", len(shares), total, sum)
	}
	if slices.Max(shares)-slices.Min(shares) > 1 || slices.Min(shares) < 0 || !slices.IsSortedFunc(shares, func(a, b int64) int { return int(b - a) }) {
		t.Fatalf("shares of %d among %d differ by more than one, or grow", total, n)
	}
}

// dump writes out everything that v holds or points to, unexported fields too.
func dump(v any) string {
	var b strings.Builder
	dumpValue(&b, reflect.ValueOf(v))
	return b.String()
}

func dumpValue(b *strings.Builder, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			b.WriteString("nil ")
			return
		}
		dumpValue(b, v.Elem())
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			fmt.Fprint(b, v.Field(0), v.Field(1), " ") // the instant; not the location, which is shared by all
			return
		}
		b.WriteString(v.Type().Name() + "{")
		for _, field := range v.Fields() {
			dumpValue(b, field)
		}
		b.WriteString("}")
	case reflect.Slice, reflect.Array:
		fmt.Fprintf(b, "%d[", v.Len())
		for i := range v.Len() {
			dumpValue(b, v.Index(i))
		}
		b.WriteString("]")
	default:
		fmt.Fprintf(b, "%v ", v)
	}
}
