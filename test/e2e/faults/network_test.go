package faults

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/check"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// slow lets one replica have brokers that answer 400 ms late, and all of them brokers that throttle what calls itself the product.
func slow(ctx context.Context, w *world, lasts time.Duration) error {
	if err := w.proxies.Poison(`{"name":"late","type":"latency","attributes":{"latency":400,"jitter":100}}`, 0, 1, 2); err != nil {
		return err
	}
	defer w.proxies.Heal(context.WithoutCancel(ctx))
	client := "kafka-lag-adapter"
	entity := kadm.ClientQuotaEntity{{Type: "client-id", Name: &client}}
	quota := func(op kadm.AlterClientQuotaOp) error {
		return w.Workload().Admin(func(admin *kadm.Client) error {
			altered, err := admin.AlterClientQuotas(ctx, []kadm.AlterClientQuotaEntry{{Entity: entity, Ops: []kadm.AlterClientQuotaOp{op}}})
			for _, a := range altered {
				err = errors.Join(err, a.Err)
			}
			return err
		})
	}
	const share = 0.5 // per cent of a thread's time
	return errors.Join(
		quota(kadm.AlterClientQuotaOp{Key: "request_percentage", Value: share}), elapse(ctx, lasts),
		quota(kadm.AlterClientQuotaOp{Key: "request_percentage", Remove: true}),
	)
}

// cut lets the network between one replica and the brokers fail in one way after another: connections are reset, then nothing comes
// any more, then little does, then ends of connections come late.
func cut(ctx context.Context, w *world, lasts time.Duration) error {
	defer w.proxies.Heal(context.WithoutCancel(ctx))
	for _, toxic := range []string{
		`{"name":"reset","type":"reset_peer","attributes":{"timeout":100}}`,
		`{"name":"half-open","type":"timeout","attributes":{"timeout":0}}`,
		`{"name":"narrow","type":"bandwidth","attributes":{"rate":2}}`,
		`{"name":"late-close","type":"slow_close","attributes":{"delay":5000}}`,
	} {
		for broker := range w.proxies.Addresses { // one alone, and then all
			if err := errors.Join(w.proxies.Poison(toxic, broker), elapse(ctx, lasts/12)); err != nil {
				return err
			}
		}
		w.proxies.Heal(ctx)
	}
	return nil
}

// network lets everything of a network fail: connections, then the descriptors that they take, then the names that lead to brokers.
func network(ctx context.Context, w *world, lasts time.Duration) error {
	if err := cut(ctx, w, lasts*2/3); err != nil {
		return err
	}
	if err := exhausted(ctx, w); err != nil {
		return err
	}
	return nameless(ctx, w, lasts/9)
}

// resourcesKept wants the proxied replica to hold no more goroutines and descriptors after a fault than before, but for what is
// always under way.
func resourcesKept(t *testing.T, w *world, seen watched, _ check.Report) {
	t.Helper()
	const underWay = 1.3
	now, err := w.open(t.Context())
	suite.Try(t, err)
	for _, name := range []string{"go_goroutines", "process_open_fds"} {
		before, after := seen.before[name], now[name]
		t.Logf("%s: %v before, %v after", name, before, after)
		if before == 0 || after > before*underWay+10 {
			t.Errorf("%s: %v before, %v after", name, before, after)
		}
	}
}
