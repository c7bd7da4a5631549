package check_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/check"
)

// TestAddingUp: the sum of a group that was read since a source last counted a failure has to be that of its partitions. The counter may
// be a scrape late.
func TestAddingUp(t *testing.T) {
	type scrape struct{ read, sum, failures int } // read: seconds
	for name, c := range map[string]struct {
		scrapes []scrape
		wrong   int
	}{
		"right":                                   {[]scrape{{0, 3, 0}, {1, 3, 0}, {2, 3, 0}}, 0},
		"wrong":                                   {[]scrape{{0, 3, 0}, {1, 2, 0}, {2, 3, 0}}, 1},
		"wrong, also long after it was read":      {[]scrape{{0, 3, 0}, {1, 2, 0}, {1, 2, 0}, {1, 2, 0}, {1, 3, 0}}, 3},
		"wrong after failures of before":          {[]scrape{{0, 3, 4}, {1, 2, 4}, {2, 3, 4}}, 1},
		"an earlier sum, as a read failed":        {[]scrape{{0, 3, 0}, {1, 3, 0}, {1, 2, 2}, {1, 2, 2}, {1, 2, 2}}, 0},
		"an earlier sum, and the counter is late": {[]scrape{{0, 3, 0}, {1, 3, 0}, {1, 2, 0}, {1, 2, 2}, {1, 2, 2}}, 0},
		"another process":                         {[]scrape{{0, 3, 9}, {1, 3, 9}, {1, 2, 1}, {1, 2, 1}}, 0},
		"wrong once it was read again":            {[]scrape{{0, 3, 0}, {1, 3, 0}, {1, 2, 2}, {4, 2, 2}, {4, 3, 2}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			l := check.NewLog()
			for i, s := range c.scrapes {
				body := fmt.Sprintf("kafka_consumergroup_lag{consumergroup=\"g\",partition=\"0\",topic=\"t\"} 1\n"+
					"kafka_consumergroup_lag{consumergroup=\"g\",partition=\"1\",topic=\"t\"} 2\n"+
					"kafka_consumergroup_lag_sum{consumergroup=\"g\",topic=\"t\"} %d\n"+
					"kafka_consumergroup_read_timestamp_seconds{consumergroup=\"g\"} %d\n"+
					"kafka_lag_collector_read_errors_total{class=\"timeout\",cluster=\"c\"} %d\n"+
					"kafka_lag_collector_read_errors_total{class=\"protocol\",cluster=\"c\"} 0\n",
					s.sum, epoch.Unix()+int64(s.read), s.failures)
				if err := l.Exposition("replica", epoch.Add(time.Duration(i)*time.Second), []byte(body)); err != nil {
					t.Fatal(err)
				}
			}
			if len(l.Events) != c.wrong {
				t.Errorf("%v, want %d", l.Events, c.wrong)
			}
			for _, e := range l.Events {
				if e.Rule != check.Adding {
					t.Error(e)
				}
			}
		})
	}
}
