// Package hpa is the rule by which the HorizontalPodAutoscaler sizes a workload from a Pods metric with an AverageValue target and
// without a behavior of its own: the arithmetic of the controller, without a cluster.
package hpa

import (
	"errors"
	"math"
	"slices"
	"time"
)

// The controller's constants: how far off the target it does nothing, and how fast it scales up at most.
const (
	tolerance           = 0.1
	scaleUpFactor       = 2
	scaleUpLeast        = 4
	milli         int64 = 1000 // the controller reckons in thousandths, rounded down
)

// Spec is what a HorizontalPodAutoscaler is configured with.
type Spec struct {
	TargetAverage int64 // per pod
	Min, Max      int   // replicas
	// ScaleDownWindow is for how long the highest recommendation is followed (300 s by default in Kubernetes).
	ScaleDownWindow time.Duration
}

// Autoscaler sizes one workload. It is not safe for concurrent use.
type Autoscaler struct {
	spec   Spec
	recent []recommendation
}

type recommendation struct {
	at       time.Time
	replicas int
}

// New returns the autoscaler of one workload.
func New(spec Spec) *Autoscaler { return &Autoscaler{spec: spec} }

// Replicas returns how many replicas the workload of the pods shall have, given the metric's values by pod. An error means that
// they cannot be told: the workload then keeps what it has.
func (a *Autoscaler) Replicas(now time.Time, pods []string, values map[string]int64) (int, error) {
	current := len(pods)
	if a.recent == nil { // a controller that starts does not scale down before the window has passed
		a.recent = []recommendation{{now, current}}
	}
	wanted, err := recommend(pods, values, a.spec.TargetAverage)
	if err != nil {
		return current, err
	}
	return a.limit(current, a.stabilize(now, wanted)), nil
}

// recommend is the number of replicas at which the average would meet the target.
func recommend(pods []string, values map[string]int64, target int64) (int, error) {
	if len(pods) == 0 {
		return 0, errors.New("the workload has no pods")
	}
	if len(values) == 0 {
		return 0, errors.New("the answer has no values")
	}
	current := len(pods)
	missing := slices.DeleteFunc(slices.Clone(pods), func(pod string) bool { _, ok := values[pod]; return ok })
	total, count := int64(0), len(values) // of pods that are not the workload's, too
	for _, value := range values {
		total += value
	}
	first := ratio(total, count, target)
	if len(missing) == 0 {
		if within(first) {
			return current, nil
		}
		return ceil(first, current), nil
	}
	// What a pod without a value would have is assumed such that it damps the change.
	count += len(missing)
	if first < 1 {
		total += int64(len(missing)) * target
	}
	second := ratio(total, count, target)
	if within(second) || (first < 1) != (second < 1) {
		return current, nil
	}
	replicas := ceil(second, count)
	if (second < 1) != (replicas < current) {
		return current, nil
	}
	return replicas, nil
}

func ratio(total int64, count int, target int64) float64 {
	return float64(total*milli/int64(count)) / float64(target*milli)
}

func within(ratio float64) bool { return 1-tolerance <= ratio && ratio <= 1+tolerance }

func ceil(ratio float64, pods int) int { return int(math.Ceil(ratio * float64(pods))) }

// stabilize returns the highest recommendation of the window, this one included.
func (a *Autoscaler) stabilize(now time.Time, replicas int) int {
	a.recent = slices.DeleteFunc(a.recent, func(r recommendation) bool { return r.at.Before(now.Add(-a.spec.ScaleDownWindow)) })
	a.recent = append(a.recent, recommendation{now, replicas})
	for _, r := range a.recent {
		replicas = max(replicas, r.replicas)
	}
	return replicas
}

// limit keeps the recommendation within the bounds and the scale-up limit.
func (a *Autoscaler) limit(current, replicas int) int {
	most := min(a.spec.Max, max(scaleUpFactor*current, scaleUpLeast))
	return max(min(replicas, most), a.spec.Min)
}
