package check_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/check"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/lies"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/record"
)

// A world in which everything is known: a minute, in which the group moving reads in bursts, the group steady reads what is produced
// as it is produced, and the group hung cannot be read from hangs to resumes. Each is on a topic of its own name and three partitions.
const (
	length         = 60 * time.Second
	hangs, resumes = 20 * time.Second, 40 * time.Second
	poll           = time.Second
	maxAge         = 10 * time.Second
	partitions     = 3
	steadyLag      = 40 // on each partition
)

func names() []string { return []string{"hung", "moving", "steady"} }

var epoch = time.UnixMilli(1_800_000_000_000)

// offsets are exact at a time after the epoch.
func offsets(group string, partition int, at time.Duration) (commit, end int64) {
	ticks := int64(at / (10 * time.Millisecond)) // 100 records a second
	switch group {
	case "steady":
		return ticks, ticks + steadyLag
	case "hung":
		return 100, 500 + ticks/10
	}
	return 100 * (ticks / 100 / int64(partition+2)), ticks + 100
}

// truth is the record of this world.
func truth(t *testing.T) check.Truth {
	t.Helper()
	var text strings.Builder
	for at := -5 * time.Second; at <= length+5*time.Second; at += 500 * time.Millisecond {
		ms := epoch.Add(at).UnixMilli()
		fmt.Fprintf(&text, "g %d %d . hung=Classic moving=Classic steady=Classic\n", ms, ms+1)
		fmt.Fprintf(&text, "t %d %d . hung=A moving=B steady=C\n", ms, ms+1)
		for _, group := range names() {
			commits, ends, starts := "", "", ""
			for p := range partitions {
				commit, end := offsets(group, p, max(at, 0))
				commits += fmt.Sprintf(" %s/%d=%d", group, p, commit)
				ends += fmt.Sprintf(" %d=%d", p, end)
				starts += fmt.Sprintf(" %d=0", p)
			}
			fmt.Fprintf(&text, "c %d %d %s%s\n", ms, ms+5, group, commits)
			fmt.Fprintf(&text, "h %d %d %s%s\n", ms, ms+5, group, ends)
			fmt.Fprintf(&text, "s %d %d %s%s\n", ms, ms+5, group, starts)
		}
	}
	r, err := record.Read(strings.NewReader(text.String() + "end\n"))
	if err != nil {
		t.Fatal(err)
	}
	return check.Held{Truth: r, AtLeast: map[string]int64{"steady": steadyLag * partitions}}
}

// product is an honest product in this world, at a time.
type product struct{ now time.Duration }

// ServeHTTP implements http.Handler: /metrics, and the lag of the group moving over two pods.
func (p *product) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/metrics" {
		fmt.Fprint(w, p.exposition())
		return
	}
	readAt := p.readAt("moving")
	var sum int64
	for part := range partitions {
		commit, end := offsets("moving", part, readAt)
		sum += end - commit
	}
	item := `{"describedObject":{"kind":"Pod","name":%q},"timestamp":%q,"value":"%d"}`
	stamp := epoch.Add(readAt).UTC().Format(time.RFC3339)
	fmt.Fprintf(w, `{"items":[`+item+","+item+`]}`, "pod-0", stamp, sum-sum/2, "pod-1", stamp, sum/2)
}

// readAt is when a group was last read.
func (p *product) readAt(group string) time.Duration {
	last := p.now.Truncate(poll)
	if group == "hung" && last > hangs && last < resumes {
		return hangs
	}
	return last
}

func (p *product) exposition() string {
	var lags, sums, times, others strings.Builder
	for _, group := range names() {
		readAt := p.readAt(group)
		fmt.Fprintf(&times, "kafka_consumergroup_read_timestamp_seconds{consumergroup=%q} %.3f\n", group, float64(epoch.Add(readAt).UnixMilli())/1000)
		if p.now-readAt > maxAge {
			continue
		}
		var sum int64
		for part := range partitions {
			commit, _ := offsets(group, part, readAt)
			_, end := offsets(group, part, readAt+20*time.Millisecond)
			sum += end - commit
			fmt.Fprintf(&lags, "kafka_consumergroup_lag{consumergroup=%q,partition=\"%d\",topic=%q} %d\n", group, part, group, end-commit)
			fmt.Fprintf(&others, "kafka_consumergroup_current_offset{consumergroup=%q,partition=\"%d\",topic=%q} %d\n", group, part, group, commit)
			fmt.Fprintf(&others, "kafka_topic_partition_current_offset{partition=\"%d\",topic=%q} %d\n", part, group, end)
		}
		fmt.Fprintf(&sums, "kafka_consumergroup_lag_sum{consumergroup=%q,topic=%q} %d\n", group, group, sum)
	}
	return "# HELP of something\n" + times.String() + lags.String() + sums.String() + others.String()
}

// watched lets a lie, or none, have its way with a minute of this world.
func watched(t *testing.T, lie lies.Lie) *check.Log {
	t.Helper()
	l, p := check.NewLog(), &product{}
	get := func(path string) []byte {
		recorder := httptest.NewRecorder()
		p.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		body := recorder.Body.Bytes()
		if lie != nil {
			body = lie.Rewrite(path, epoch.Add(p.now), body)
		}
		return body
	}
	for ; p.now < length; p.now += 100 * time.Millisecond {
		at := epoch.Add(p.now)
		if err := l.Exposition("replica", at, get("/metrics")); err != nil {
			t.Fatal(err)
		}
		items, err := check.ParseItems(get("/apis/custom.metrics.k8s.io/v1beta2/namespaces/default/pods/*/kafka_consumergroup_lag"))
		if err != nil {
			t.Fatal(err)
		}
		l.Answered("pods", "moving", "moving", at, items)
		l.Pods("pods", at, items, []string{"pod-0", "pod-1"})
	}
	return l
}

func rules() check.Rules {
	return check.Rules{Poll: poll, MaxAge: maxAge, Policy: func(string) record.Policy { return record.Policy{} }}
}
