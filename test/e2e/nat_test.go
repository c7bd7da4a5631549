package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/oracle"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/workload"
)

// TestBehindOneAddress has all consumers connect from 127.0.0.1, as behind NAT. By a client.id each pod has its own partitions' lag all
// the same; with nothing to tell the pods by, the group has to be annotated, and each has an equal share.
func TestBehindOneAddress(t *testing.T) {
	const pods, lag = 4, 43
	for name, test := range map[string]struct {
		clientID func(pod *corev1.Pod) string
		annotate bool
		values   func(ctx context.Context, app string) (map[string]int64, error)
	}{
		"client-id": {
			clientID: func(pod *corev1.Pod) string { return "consumer/" + pod.Name },
			values: func(ctx context.Context, app string) (map[string]int64, error) {
				return owned(ctx, app, app, func(m oracle.Member, _ map[string]string) string { return m.ClientID[len("consumer/"):] })
			},
		},
		"nothing": {
			clientID: func(*corev1.Pod) string { return "consumer" },
			annotate: true,
			values: func(ctx context.Context, app string) (map[string]int64, error) {
				if _, err := membersOf(ctx, app); err != nil {
					return nil, err
				}
				return equalShares(ctx, app, lag)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := suite.Within(t, 2*time.Minute)
			app := "nat-" + name
			newGroup(ctx, t, app, 12)
			applyAs(ctx, t, app, nil)
			if test.annotate {
				kubectl(ctx, t, "annotate", "deployment", app, "kafka-lag-adapter/consumergroup="+app)
			}
			kubectl(ctx, t, "scale", "deployment", app, fmt.Sprintf("--replicas=%d", pods))
			kubectl(ctx, t, "rollout", "status", "deployment/"+app, "--timeout=60s")
			runFleet(t, app, func(pod *corev1.Pod) (member, error) {
				c, err := shared.Workload().Join(app, app, kgo.ClientID(test.clientID(pod)))
				if err != nil {
					return nil, err
				}
				return workload.Hold(c), nil
			})
			suite.Try(t, shared.Workload().Produce(ctx, app, lag))
			awaitValues(ctx, t, app, "", func(ctx context.Context) (map[string]int64, error) { return test.values(ctx, app) })
			checkLag(ctx, t, app, app, lag)
		})
	}
}

// equalShares divides a lag among the pods of an app: in the order of their names, the first ones have one more.
func equalShares(ctx context.Context, app string, lag int64) (map[string]int64, error) {
	pods, err := runningPods(ctx, app)
	if err != nil {
		return nil, err
	}
	shares := map[string]int64{}
	for i, name := range sortedKeys(pods) {
		shares[name] = lag / int64(len(pods))
		if int64(i) < lag%int64(len(pods)) {
			shares[name]++
		}
	}
	return shares, nil
}

// TestSumWhileRebalancing has 20 consumers on 20 pods whose cooperative group never comes to rest: one leaves and another comes back
// all the time, while records come in and are read. Every 100 ms the values of the pods have to add up to the lag of the group, which
// the Deployment answers with.
func TestSumWhileRebalancing(t *testing.T) {
	const app, consumers, every = "rebalancing", 20, 100 * time.Millisecond
	duration := 60 * time.Second
	if os.Getenv("CI") != "" {
		duration = 20 * time.Second
	}
	ctx := suite.Within(t, duration+3*time.Minute)
	newGroup(ctx, t, app, 50)
	applyAs(ctx, t, app, nil)
	kubectl(ctx, t, "scale", "deployment", app, fmt.Sprintf("--replicas=%d", consumers))
	kubectl(ctx, t, "rollout", "status", "deployment/"+app, "--timeout=60s")
	pods, err := runningPods(ctx, app)
	suite.Try(t, err)
	suite.Try(t, shared.Workload().Produce(ctx, app, 1000))

	churning, stop := context.WithTimeout(ctx, duration)
	defer stop()
	var all sync.WaitGroup
	join := func(pod *corev1.Pod) (*workload.Holding, error) {
		c, err := shared.Workload().Join(app, app, workload.FromIP(pod.Status.PodIP), kgo.Balancers(kgo.CooperativeStickyBalancer()))
		if err != nil {
			return nil, err
		}
		h := workload.Hold(c)
		return h, h.Drain()
	}
	all.Go(func() { churn(churning, t, pods, join) })
	all.Go(func() {
		for churning.Err() == nil {
			if err := shared.Workload().Produce(churning, app, 200); err != nil && churning.Err() == nil {
				t.Error(err)
			}
		}
	})
	defer all.Wait()
	sampleSums(churning, t, app, every)
}

// churn has a member on each pod, and lets one leave and come back after another.
func churn(ctx context.Context, t *testing.T, pods map[string]*corev1.Pod, join func(*corev1.Pod) (*workload.Holding, error)) {
	names, members := sortedKeys(pods), map[string]*workload.Holding{}
	defer func() {
		for _, m := range members {
			_ = m.Close()
		}
	}()
	toggle := func(name string) {
		if m := members[name]; m != nil {
			delete(members, name)
			_ = m.Close() // a read that a rebalance cut short is nothing to complain about here
			return
		}
		m, err := join(pods[name])
		if err != nil {
			t.Error(err)
			return
		}
		members[name] = m
	}
	for _, name := range names {
		toggle(name)
	}
	pause := time.NewTicker(500 * time.Millisecond)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
			toggle(names[rand.IntN(len(names))])
		}
	}
}

// sampleSums asks for the pods between two questions for the Deployment, until ctx ends. Where both have the same answer, it is of the
// reading that the pods' answer is of, too; where the group was read in between, it asks again.
func sampleSums(ctx context.Context, t *testing.T, app string, every time.Duration) {
	t.Helper()
	const api = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/default"
	object, ofPods := api+"/deployments.apps/"+app+"/kafka_consumergroup_lag", api+"/pods/*/kafka_consumergroup_lag?labelSelector=app%3D"+app
	suite.Try(t, await.Until(ctx, "the group to be bound", func(ctx context.Context) error { return ask(ctx, object) }))
	tick := time.NewTicker(every)
	defer tick.Stop()
	samples, again, uneven, lags := 0, 0, 0, map[int64]bool{}
	for ctx.Err() == nil {
		before, err1 := values(ctx, object)
		pods, err2 := values(ctx, ofPods)
		after, err3 := values(ctx, object)
		if ctx.Err() != nil {
			break
		}
		suite.Try(t, errors.Join(err1, err2, err3))
		if before != after {
			again++
			continue
		}
		samples++
		lags[before.total] = true
		if pods.total != before.total || pods.at != before.at {
			t.Fatalf("the pods add up to %d as of %s, the lag of the group is %d as of %s", pods.total, pods.at, before.total, before.at)
		}
		if pods.most > pods.least+1 {
			uneven++
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	t.Logf("%d samples of %d lags, %d asked for again; in %d the pods had other than equal shares", samples, len(lags), again, uneven)
	if again > samples || len(lags) < 5 || uneven < samples/2 {
		t.Error("these samples show too little")
	}
}

// answered is what the metrics API answered for some objects.
type answered struct {
	total, least, most int64
	at                 string // the time of the values
}

func values(ctx context.Context, path string) (answered, error) {
	raw, err := shared.ControlPlane.Client.CoreV1().RESTClient().Get().RequestURI(path).Do(ctx).Raw()
	if err != nil {
		return answered{}, fmt.Errorf("%s: %w", path, err)
	}
	var list metricValues
	if err := json.Unmarshal(raw, &list); err != nil {
		return answered{}, err
	}
	each, err := list.byName()
	if err != nil || len(each) == 0 {
		return answered{}, errors.Join(err, fmt.Errorf("%s: %d values", path, len(each)))
	}
	a := answered{least: 1 << 62, at: list.Items[0].Timestamp.String()}
	for _, n := range each {
		a.total, a.least, a.most = a.total+n, min(a.least, n), max(a.most, n)
	}
	return a, nil
}
