package check_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/check"
)

// TestFreshness: a group that hangs gets as old as it hangs for, also when it is no longer shown; the others stay as fresh as they are
// polled.
func TestFreshness(t *testing.T) {
	l := watched(t, nil)
	from, to := epoch.Add(hangs), epoch.Add(resumes)
	of := func(group string, kind check.Kind) check.Fresh {
		return l.Freshness(from, to, nil, func(s check.Series) bool { return s.Group == group && s.Kind == kind })
	}
	if f := of("hung", check.Sum); f.Series != 1 || f.Oldest.Duration != resumes-hangs || f.Oldest.Of != "replica hung" {
		t.Errorf("hung: %+v", f)
	}
	if f := of("steady", check.Sum); f.Series != 1 || f.Oldest.Duration != poll {
		t.Errorf("steady: %+v", f)
	}
	if f := of("moving", check.Answer); f.Series != 1 || f.Oldest.Duration > poll {
		t.Errorf("moving, by the API: %+v", f)
	}
	if f := of("steady", check.Partition); f.Series != 0 {
		t.Errorf("partitions have no time of their own: %+v", f)
	}
	if claims := l.ClaimsIn(epoch.Add(hangs+maxAge+time.Second), to); len(claims) == 0 {
		t.Error("no claims")
	} else {
		for _, c := range claims {
			if l.Series[c.Series].Group == "hung" {
				t.Errorf("claimed while it was not known: %+v", c)
			}
		}
	}
}

// TestChangesIn counts those in between only.
func TestChangesIn(t *testing.T) {
	l := check.NewLog()
	for i := range 6 {
		l.Wants("hpa", epoch.Add(time.Duration(i)*time.Second), int32(i/2))
	}
	if n := l.ChangesIn(epoch.Add(time.Second), epoch.Add(3*time.Second)); n != 1 {
		t.Errorf("%d changes", n)
	}
}

// TestWithoutATime: a topic of a group that is not known as a whole is shown without a time, which is no age.
func TestWithoutATime(t *testing.T) {
	l := check.NewLog()
	body := []byte("kafka_consumergroup_lag_sum{consumergroup=\"g\",topic=\"t\"} 3\n")
	for i := range 3 {
		if err := l.Exposition("replica", epoch.Add(time.Duration(i)*time.Second), body); err != nil {
			t.Fatal(err)
		}
	}
	r := check.Summarize(l, truth(t), rules(), epoch, func(string) bool { return true })
	if r.Oldest.Duration != 0 {
		t.Errorf("oldest %+v", r.Oldest)
	}
	if f := l.Freshness(epoch, epoch.Add(3*time.Second), nil, func(check.Series) bool { return true }); f.Series != 1 || f.Oldest.Duration != 0 {
		t.Errorf("%+v", f)
	}
}

// severalTopics is a truth in which each group has two.
type severalTopics struct{ check.Truth }

func (severalTopics) Topics(string) []string { return []string{"a", "b"} }

// TestTheTimeOfAWholeGroup is not that of one of its topics, which may have been read since.
func TestTheTimeOfAWholeGroup(t *testing.T) {
	l := check.NewLog()
	body := fmt.Appendf(nil, "kafka_consumergroup_lag_sum{consumergroup=\"g\",topic=\"t\"} 3\nkafka_consumergroup_read_timestamp_seconds{consumergroup=\"g\"} %d\n", epoch.Unix())
	for i := range 60 {
		if err := l.Exposition("replica", epoch.Add(time.Duration(i)*time.Second), body); err != nil {
			t.Fatal(err)
		}
	}
	gone := func(string) bool { return true }
	if r := check.Summarize(l, truth(t), rules(), epoch, gone); r.Oldest.Duration < 50*time.Second {
		t.Errorf("oldest of a group with one topic: %+v", r.Oldest)
	}
	if r := check.Summarize(l, severalTopics{truth(t)}, rules(), epoch, gone); r.Oldest.Duration != 0 {
		t.Errorf("oldest of a group with several topics: %+v", r.Oldest)
	}
}

// TestFreshnessBut: what a value's age was while nobody could have known a newer one does not count, what it was before does.
func TestFreshnessBut(t *testing.T) {
	second := func(n int) time.Time { return epoch.Add(time.Duration(n) * time.Second) }
	l := check.NewLog()
	for i := range 60 { // what is known at second 20 is known until second 30
		body := fmt.Appendf(nil, "kafka_consumergroup_lag_sum{consumergroup=\"g\",topic=\"t\"} %d\nkafka_consumergroup_read_timestamp_seconds{consumergroup=\"g\"} %d\n",
			i, second(i).Unix())
		if i < 20 || i >= 30 {
			if err := l.Exposition("replica", second(i), body); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		but  []check.Span
		want time.Duration
	}{
		"nothing":            {nil, 11 * time.Second},
		"the end of it":      {[]check.Span{{second(25), second(35)}}, 6 * time.Second},
		"all of it":          {[]check.Span{{second(19), second(40)}}, time.Second},
		"its beginning only": {[]check.Span{{second(10), second(22)}}, 11 * time.Second},
		"overlapping spans":  {check.Merge([]check.Span{{second(28), second(30)}, {second(24), second(29)}, {second(50), second(51)}}), 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			f := l.Freshness(second(1), second(59), c.but, func(check.Series) bool { return true })
			if f.Oldest.Duration != c.want {
				t.Errorf("%s, want %s", f.Oldest.Duration, c.want)
			}
		})
	}
	spans := check.Merge([]check.Span{{second(8), second(9)}, {second(1), second(4)}, {second(2), second(3)}, {second(4), second(5)}})
	if got := check.Within(spans, second(3), second(59)); len(spans) != 2 || got != 3*time.Second {
		t.Errorf("%v: %s", spans, got)
	}
}
