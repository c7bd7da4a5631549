package soak

import (
	"context"
	"fmt"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/controlplane"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/series"
)

// step is a part of the schedule. When do returns, the fault is over; what it has done may still show.
type step struct {
	name string
	do   func(ctx context.Context, w *world, cycle int) error
}

// beat is how long most faults last.
const beat = 4 * time.Second

// schedule is what happens in each cycle.
func schedule() []step {
	return []step{
		{"a broker hangs", hang},
		{"connections are reset", poisoned(`{"name":"reset","type":"reset_peer","attributes":{"timeout":100}}`)},
		{"a topic is made anew", topicAnew},
		{"connections are half-open", poisoned(`{"name":"half-open","type":"timeout","attributes":{"timeout":0}}`)},
		{"other settings", otherSettings},
		{"strangers connect", func(ctx context.Context, w *world, _ int) error { return w.visitor.stranger(ctx) }},
		{"answers are late", poisoned(`{"name":"late","type":"latency","attributes":{"latency":150,"jitter":100}}`)},
		{"another password", func(ctx context.Context, w *world, _ int) error { return w.access.renewPassword(ctx) }},
		{"partitions are added", partitionsAdded},
		{"the network is narrow", poisoned(`{"name":"narrow","type":"bandwidth","attributes":{"rate":2}}`)},
		{"scrapes come all at once", func(ctx context.Context, w *world, _ int) error { return w.visitor.burst(ctx) }},
		{"other certificates", func(_ context.Context, w *world, _ int) error { return w.access.renewCertificate() }},
		{"connections are cut late", poisoned(`{"name":"late-close","type":"slow_close","attributes":{"delay":2000}}`)},
		{"a group is deleted", groupDeleted},
		{"wrong settings", wrongSettings},
		{"clients hang up", func(ctx context.Context, w *world, _ int) error { return w.visitor.hangUp(ctx) }},
		{"another serving certificate", func(_ context.Context, w *world, _ int) error { return w.adapter.Renew() }},
		{"a broker is killed", kill},
		{"the API server is killed", killAPIServer},
		{allIsWell, settle},
	}
}

// allIsWell is the last step's name.
const allIsWell = "all is well"

// hang stops a broker without closing its connections.
func hang(ctx context.Context, w *world, cycle int) error {
	broker := w.Kafka.Nodes()[cycle%brokers].Process()
	if err := broker.Pause(); err != nil {
		return err
	}
	elapse(ctx, beat)
	return broker.Resume()
}

// kill kills a broker as a crash would, and starts it again when others have taken over.
func kill(ctx context.Context, w *world, cycle int) error {
	node := w.Kafka.Nodes()[cycle%brokers]
	if err := node.Kill(); err != nil {
		return err
	}
	elapse(ctx, 2*beat)
	return node.Start(ctx)
}

// poisoned lets the network before one broker fail, and then before all.
func poisoned(toxic string) func(context.Context, *world, int) error {
	return func(ctx context.Context, w *world, cycle int) error {
		defer w.proxies.Heal(context.WithoutCancel(ctx))
		first := cycle % brokers
		if err := w.proxies.Poison(toxic, first); err != nil {
			return err
		}
		elapse(ctx, beat)
		if err := w.proxies.Poison(toxic, (first+1)%brokers, (first+2)%brokers); err != nil {
			return err
		}
		elapse(ctx, beat/2)
		return nil
	}
}

// otherSettings has both programs load a configuration by which all connections are made anew.
func otherSettings(ctx context.Context, w *world, _ int) error {
	return w.reloads(ctx, w.access.switchUser, true)
}

// wrongSettings has both programs refuse a configuration, and load the right one again.
func wrongSettings(ctx context.Context, w *world, _ int) error {
	if err := w.reloads(ctx, func() error { return w.access.write("max-agee: 1s\n") }, false); err != nil {
		return err
	}
	return w.reloads(ctx, func() error { return w.access.write("") }, true)
}

// reloads waits until both programs have loaded what write writes, or have refused it.
func (w *world) reloads(ctx context.Context, write func() error, counts bool) error {
	written := float64(time.Now().Unix())
	if err := write(); err != nil {
		return err
	}
	for program, url := range w.urls() {
		err := await.Until(ctx, fmt.Sprintf("the configuration of %s to count: %v", program, counts), func(ctx context.Context) error {
			text, err := w.visitor.metrics(ctx, url)
			if err != nil {
				return err
			}
			now, err := series.Parse(text)
			if err != nil {
				return err
			}
			successful := now[series.Name("kafka_lag_config_last_reload_successful")] == 1
			at := now[series.Name("kafka_lag_config_last_reload_success_timestamp_seconds")]
			if successful != counts || counts && at < written {
				return fmt.Errorf("successful: %v, loaded at %v", successful, at)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// killAPIServer kills kube-apiserver and starts it again.
func killAPIServer(ctx context.Context, w *world, _ int) error {
	if err := w.ControlPlane.Process(controlplane.APIServer).Kill(); err != nil {
		return err
	}
	elapse(ctx, beat)
	return w.ControlPlane.StartComponent(ctx, controlplane.APIServer)
}

// settle waits until everything is known again, and lets some time pass in which nothing happens.
func settle(ctx context.Context, w *world, _ int) error {
	err := await.Until(ctx, "everything to be known", w.known)
	elapse(ctx, 3*beat)
	return err
}

// elapse lets time pass in which things are measured.
func elapse(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
