package kube

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// failure is that the list of pods could not be kept up to date.
type failure struct {
	err    error     // the latest
	since  time.Time // when the first was
	logged time.Time
}

// logFailuresEvery is how often an outage of the API server is logged, beside its beginning and its end.
const logFailuresEvery = time.Minute

// failed notes a failure. An outage begins with the first since the pods were up to date.
func (p *Pods) failed(err error) {
	now := time.Now()
	next := &failure{err: err, since: now, logged: now}
	last := p.failure.Load()
	if last != nil {
		next.since, next.logged = last.since, last.logged
	}
	if last == nil || now.Sub(last.logged) >= logFailuresEvery {
		next.logged = now
		p.logger.Warn("the API server cannot be watched: pods are taken for what they were (check that it is up, and that the ServiceAccount may list and watch pods)",
			"age", now.Sub(next.since).Round(time.Second).String(), "error", err)
	}
	p.failure.Store(next)
}

// heard notes that the pods are up to date.
func (p *Pods) heard() {
	if last := p.failure.Swap(nil); last != nil {
		p.logger.Info("the API server is watched again: pods are up to date", "after", time.Since(last.since).Round(time.Second).String())
	}
}

// Age is for how long the pods are not up to date: 0 while the API server can be watched. It counts once they are known.
func (p *Pods) Age() time.Duration {
	last := p.failure.Load()
	if last == nil {
		return 0
	}
	return time.Since(last.since)
}

// Register registers the pods' age as a metric, which is absent until they are known.
func (p *Pods) Register(registerer prometheus.Registerer) { registerer.MustRegister(podsAge{p}) }

type podsAge struct{ pods *Pods }

func (podsAge) desc() *prometheus.Desc {
	return prometheus.NewDesc("kafka_lag_adapter_pods_age_seconds", "Time for which the list of pods is not up to date, as the API server could not be watched; 0 while it can be.", nil, nil)
}

func (a podsAge) Describe(to chan<- *prometheus.Desc) { to <- a.desc() }

func (a podsAge) Collect(to chan<- prometheus.Metric) {
	if a.pods.Synced() {
		to <- prometheus.MustNewConstMetric(a.desc(), prometheus.GaugeValue, a.pods.Age().Seconds())
	}
}
