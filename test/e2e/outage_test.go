package e2e

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// outage is how long all brokers are away: far longer than max-age and than the HPA's stabilization window.
const outage = time.Minute

// TestOutage stops all brokers. Row 4 of the fault catalogue: the APIService stays available, the replicas stay, the HPA shows
// our reason, the lag series are absent rather than zero, and all resumes by itself.
func TestOutage(t *testing.T) {
	ctx := suite.Within(t, 8*time.Minute)
	ordersLag(ctx, t, 42)
	applyExample(ctx, t, "hpa-pods.yaml")
	awaitReplicas(ctx, t, 9)
	suite.Try(t, shared.Kafka.Stop())
	t.Cleanup(func() { restartKafka(t) })
	watchOutage(ctx, t, time.Now())
	checkReason(ctx, t)

	// An adapter that starts into the outage is as good: discovery is there, and the replicas stay.
	suite.Try(t, shared.Adapter.Restart(ctx, adapterArgs()...))
	suite.Try(t, await.Until(ctx, "an adapter that started into the outage", func(ctx context.Context) error { return available(ctx) }))
	checkReason(ctx, t)
	holdReplicas(ctx, t, 9, 10*time.Second)

	restartKafka(t)
	suite.Try(t, await.Until(ctx, "the lag after the outage", func(ctx context.Context) error {
		_, body, err := scrape(ctx, "/metrics")
		if err != nil {
			return err
		}
		if !strings.Contains(body, `kafka_consumergroup_lag_sum{consumergroup="orders",topic="orders"} 42`) {
			return fmt.Errorf("no lag of 42 in /metrics")
		}
		c, err := scalingActive(ctx, consumer)
		if err != nil {
			return err
		}
		if c.Status != "True" {
			return fmt.Errorf("%s: %s", c.Reason, c.Message)
		}
		return nil
	}))
	awaitReplicas(ctx, t, 9)
}

// watchOutage looks again and again, for as long as the outage shall last.
func watchOutage(ctx context.Context, t *testing.T, began time.Time) {
	t.Helper()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for looks := 0; time.Since(began) < outage; looks++ {
		if err := available(ctx); err != nil {
			t.Fatalf("%s into the outage: %v", time.Since(began), err)
		}
		if got, err := replicas(ctx); err != nil || got != 9 {
			t.Fatalf("%s into the outage: %d replicas (%v), want 9", time.Since(began), got, err)
		}
		for _, path := range []string{"/readyz", "/livez"} {
			if status, body, err := scrape(ctx, path); err != nil || status != 200 {
				t.Fatalf("%s into the outage: %s answers %d %s %v", time.Since(began), path, status, body, err)
			}
		}
		checkSeries(ctx, t, time.Since(began))
		select {
		case <-ctx.Done():
			t.Fatal(context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// checkSeries: the lag is right or absent, and absent once its age is beyond max-age.
func checkSeries(ctx context.Context, t *testing.T, into time.Duration) {
	t.Helper()
	_, body, err := scrape(ctx, "/metrics")
	if err != nil {
		t.Fatalf("%s into the outage: %v", into, err)
	}
	present := false
	for _, line := range strings.Split(body, "\n") {
		if strings.HasPrefix(line, `kafka_consumergroup_lag_sum{consumergroup="orders"`) {
			present = true
			if !strings.HasSuffix(line, " 42") {
				t.Fatalf("%s into the outage: %s", into, line)
			}
		}
	}
	const slack = 2 * time.Second // between the last poll, the stop of the last broker and this look
	if present && into > maxAge+slack {
		t.Fatalf("%s into the outage the lag is still shown", into)
	}
	if !present && !strings.Contains(body, `kafka_consumergroup_up{consumergroup="orders"} 0`) {
		t.Fatalf("%s into the outage the lag is absent, and kafka_consumergroup_up does not say why", into)
	}
}

// available says whether the API server takes both versions of our API for available.
func available(ctx context.Context) error {
	for _, version := range []string{"v1beta1", "v1beta2"} {
		out, err := shared.ControlPlane.Kubectl(ctx, "get", "apiservice", version+".custom.metrics.k8s.io",
			`-o=jsonpath={.status.conditions[?(@.type=="Available")].status} {.status.conditions[?(@.type=="Available")].message}`)
		if err != nil {
			return err
		}
		if !strings.HasPrefix(out, "True") {
			return fmt.Errorf("APIService %s: Available is %s", version, out)
		}
	}
	return nil
}

// checkReason waits until the HPA says why it does not scale, in our words.
func checkReason(ctx context.Context, t *testing.T) {
	t.Helper()
	suite.Try(t, await.Until(ctx, "the HPA to show the reason", func(ctx context.Context) error {
		c, err := scalingActive(ctx, consumer)
		if err != nil {
			return err
		}
		if c.Status != "False" || !strings.Contains(c.Message, "not known") || !strings.Contains(c.Message, "connection refused") {
			return fmt.Errorf("%s: %s: %s", c.Status, c.Reason, c.Message)
		}
		return nil
	}))
}

// restartKafka starts what is stopped of the brokers. The oracle's answer says that they are whole again.
func restartKafka(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := shared.Kafka.Start(ctx); err != nil {
		t.Error(err)
		return
	}
	if err := await.Until(ctx, "the brokers after the outage", func(ctx context.Context) error {
		offsets, err := shared.Oracle.Offsets(ctx)
		if err != nil {
			return err
		}
		_, err = offsets.Lag(orders, orders)
		return err
	}); err != nil {
		t.Error(err)
	}
}

// TestTermination: on SIGTERM readiness fails first, and the exit code is 0.
func TestTermination(t *testing.T) {
	ctx := suite.Within(t, 2*time.Minute)
	suite.Try(t, shared.Adapter.Process().Signal(syscall.SIGTERM))
	sawUnready := false
	for done := false; !done; {
		status, _, err := scrape(ctx, "/readyz")
		sawUnready = sawUnready || err == nil && status == 503
		select {
		case <-shared.Adapter.Process().Exited():
			done = true
		case <-ctx.Done():
			t.Fatal(context.Cause(ctx))
		case <-time.After(10 * time.Millisecond):
		}
	}
	if !sawUnready {
		t.Error("/readyz never failed before the port closed")
	}
	if code, err := shared.Adapter.Process().ExitCode(ctx); err != nil || code != 0 {
		t.Errorf("exit code %d, %v", code, err)
	}
	suite.Try(t, shared.Adapter.Restart(ctx, adapterArgs()...))
	suite.Try(t, await.Until(ctx, "the APIServices", func(ctx context.Context) error { return available(ctx) }))
}
