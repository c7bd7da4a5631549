package faults

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/check"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/series"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// loginRespite is how long an account, or a certificate, is left alone at one broker after that has refused it.
const loginRespite = 5 * time.Second

// fewLogins wants no broker to have refused the guest twice within 5 s, by the brokers' own logs: accounts get locked after too many.
func fewLogins(t *testing.T, w *world, seen watched, _ check.Report) {
	t.Helper()
	refusals, err := w.refusals(seen.began)
	suite.Try(t, err)
	for broker, at := range refusals {
		t.Logf("broker %d refused the guest %d times", broker+1, len(at))
		for i := 1; i < len(at); i++ {
			if apart := at[i].Sub(at[i-1]); apart < loginRespite {
				t.Errorf("broker %d refused the guest at %s, and again %s later", broker+1, at[i-1].Format(time.StampMilli), apart)
			}
		}
	}
	if slices.ContainsFunc(refusals, func(at []time.Time) bool { return len(at) > 0 }) {
		return
	}
	t.Error("no broker has refused the guest: nothing was shown")
}

// refusals are the times at which the brokers have refused an identity at the guarded listener, by broker.
func (w *world) refusals(since time.Time) ([][]time.Time, error) {
	ports, err := w.guardedPorts()
	if err != nil {
		return nil, err
	}
	all := make([][]time.Time, len(ports))
	for i, node := range w.Kafka.Nodes() {
		text, err := os.ReadFile(node.Process().Log())
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(text)) {
			if !strings.Contains(line, "Failed authentication with") || !strings.Contains(line, "channelId=127.0.0.1:"+ports[i]+"-") {
				continue
			}
			stamp, _, _ := strings.Cut(line, " ")
			at, err := time.ParseInLocation("2006-01-02T15:04:05.000", strings.Replace(stamp, ",", ".", 1), time.Local)
			if err != nil {
				return nil, fmt.Errorf("the log of broker %d: %w", i+1, err)
			}
			if at.After(since) {
				all[i] = append(all[i], at)
			}
		}
	}
	return all, nil
}

// readErrors counts what the guest could not read since its start. What was not read in time counts only where there is time: small runs
// leave less than a second for a poll, whatever else the machine does.
func (g *guest) readErrors(ctx context.Context) (sum float64, err error) {
	body, err := fetch(ctx, g.adapter.WebURL+"/metrics")
	if err != nil {
		return 0, err
	}
	all, err := series.Parse(string(body))
	for name, value := range all {
		if strings.HasPrefix(name, "kafka_lag_collector_read_errors_total ") && (g.world.full || !strings.Contains(name, "class=timeout")) {
			sum += value
		}
	}
	return sum, err
}
