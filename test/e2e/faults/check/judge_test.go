package check_test

import (
	"errors"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/check"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/record"
)

// TestReplicas: a fall of replicas is wrong if the lag was not down at any instant that the HPA can have gone by.
func TestReplicas(t *testing.T) {
	for name, c := range map[string]struct {
		from, to int32
		wrong    int
	}{
		"too few for 120 records":                 {12, 10, 1},
		"within the HPA controller's tolerance":   {12, 11, 0},
		"enough":                                  {20, 12, 0},
		"a rise, which may be as low as it likes": {2, 5, 0},
	} {
		t.Run(name, func(t *testing.T) {
			l, r := check.NewLog(), rules()
			r.Scale = map[string]check.Scale{"hpa": {Group: "steady", Topic: "steady", Target: 10}}
			l.Wants("hpa", epoch.Add(30*time.Second), c.from)
			l.Wants("hpa", epoch.Add(31*time.Second), c.to)
			wrong, _, _ := check.Judge(l, truth(t), r)
			if len(wrong) != c.wrong || c.wrong > 0 && wrong[0].Rule != check.Replicas {
				t.Errorf("%v, want %d violations", wrong, c.wrong)
			}
		})
	}
}

// until is a truth in which a lag of 0 was possible until a time, and no lag after it.
type until time.Time

func (u until) Lag(_, _ string, _ int32, _ record.Policy, from, _ time.Time) record.Range {
	return record.Range{Known: true, Never: from.After(time.Time(u))}
}

func (u until) Sum(string, string, record.Policy, time.Time, time.Time) record.Range {
	return record.Range{}
}
func (u until) Topics(string) []string { return []string{"topic"} }

// TestGoesOn: a partition's value that is served for long has to be true, max-age ago at most, until the end.
func TestGoesOn(t *testing.T) {
	for lasts, want := range map[time.Duration]int{time.Second: 0, maxAge + 4*time.Second: 0, maxAge + 10*time.Second: 1} {
		l := check.NewLog()
		for at := epoch; !at.After(epoch.Add(lasts)); at = at.Add(100 * time.Millisecond) {
			body := "kafka_consumergroup_lag{consumergroup=\"g\",partition=\"0\",topic=\"topic\"} 0\n"
			if err := l.Exposition("replica", at, []byte(body)); err != nil {
				t.Fatal(err)
			}
		}
		if wrong, _, _ := check.Judge(l, until(epoch.Add(5*time.Second)), rules()); len(wrong) != want {
			t.Errorf("served for %s: %v, want %d violations", lasts, wrong, want)
		}
	}
}

// TestProbes: a probe that fails is wrong, an answer that is refused is not.
func TestProbes(t *testing.T) {
	l := check.NewLog()
	l.Probed("readyz", epoch, nil)
	l.Refused("pods", epoch)
	l.Probed("readyz", epoch, errors.New("503"))
	wrong, _, _ := check.Judge(l, truth(t), rules())
	if len(wrong) != 1 || wrong[0].Rule != check.Health || l.Refusals["pods"] != 1 {
		t.Errorf("%v, want the probe's failure", wrong)
	}
}

// TestBadExpositions: what cannot be read is an error, not nothing.
func TestBadExpositions(t *testing.T) {
	for _, text := range []string{
		"kafka_consumergroup_lag_sum{consumergroup=\"g\",topic=\"t\"} NaN\n", "kafka_consumergroup_lag_sum{consumergroup=\"g\",topic=\"t\"} 1.5\n",
		"kafka_consumergroup_lag{consumergroup=\"g\",topic=\"t\"} 1\n", "kafka_consumergroup_lag{consumergroup=\"g\"",
		"kafka_consumergroup_read_timestamp_seconds{consumergroup=\"g\"} soon\n",
	} {
		if err := check.NewLog().Exposition("replica", epoch, []byte(text)); err == nil {
			t.Errorf("%s: no error", text)
		}
	}
}
