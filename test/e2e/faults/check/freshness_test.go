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
		return l.Freshness(from, to, func(s check.Series) bool { return s.Group == group && s.Kind == kind })
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
	if f := l.Freshness(epoch, epoch.Add(3*time.Second), func(check.Series) bool { return true }); f.Series != 1 || f.Oldest.Duration != 0 {
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
