package kube

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// failure is that the list of pods could not be kept up to date.
type failure struct {
	err     error     // the latest
	at      time.Time // of the first
	version string    // of the list at that time
}

// failed notes a failure. It began with the first since the pods were up to date.
func (p *Pods) failed(err error) {
	now := &failure{err: err, at: time.Now(), version: p.informer.LastSyncResourceVersion()}
	if p.behind() {
		now.at = p.failure.Load().at
	}
	p.failure.Store(now)
}

// behind says whether nothing was heard of the API server since the last failure. Whatever it says, be it a bookmark, has a
// version of its own.
func (p *Pods) behind() bool {
	last := p.failure.Load()
	return last != nil && last.version == p.informer.LastSyncResourceVersion()
}

// Age is for how long the pods are not up to date: 0 while the API server can be watched. It counts once they are known.
func (p *Pods) Age() time.Duration {
	if !p.behind() {
		return 0
	}
	return time.Since(p.failure.Load().at)
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
