package adapter

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// Target is what a request of the metrics API asks about.
type Target struct {
	Resource       schema.GroupResource // pods, the resource of a workload, or namespaces
	Namespace      string
	Name           string          // of the workload or namespace; empty for pods
	Pods           []string        // the names of the pods, sorted; nil for anything else
	MetricSelector labels.Selector // empty if the request has none
	Snapshots      []*lag.Snapshot // with the groups that the namespace may know of; a Binder must look at no others
}

func (t Target) String() string {
	if t.Resource == namespaceResource() {
		return fmt.Sprintf("namespace %q", t.Name)
	}
	if t.Name != "" {
		return fmt.Sprintf("%s %q in namespace %q", t.Resource, t.Name, t.Namespace)
	}
	return fmt.Sprintf("%s in namespace %q", t.Resource, t.Namespace)
}

// Binder decides which groups and partitions answer for a target.
//
// A *lag.AbsentError says that none do and what to set, a *lag.UnknownError that it cannot be told now; an error that is an API
// status, such as the 400 for a metric selector that makes no sense, is answered as it is.
type Binder interface {
	Bind(ctx context.Context, target Target) (lag.Selection, error)
}

// SelectorBinder binds by the metric selector, which is a label selector over the labels of the lag series: cluster,
// consumergroup, topic and partition. It knows no other way, so a target without a metric selector is bound to nothing.
type SelectorBinder struct{}

var _ Binder = SelectorBinder{}

// Bind implements Binder.
func (SelectorBinder) Bind(_ context.Context, target Target) (lag.Selection, error) {
	if target.MetricSelector.Empty() {
		return lag.Selection{}, &lag.AbsentError{
			What: fmt.Sprintf("no consumer group is bound to %s", target),
			Hint: "name one in the HorizontalPodAutoscaler by metric.selector.matchLabels.consumergroup, " +
				"or in a request of your own by ?metricLabelSelector=consumergroup%3DNAME",
		}
	}
	selection, err := parseSelection(target.MetricSelector)
	if err != nil {
		return lag.Selection{}, apierrors.NewBadRequest(fmt.Sprintf("metric selector %q: %v", target.MetricSelector, err))
	}
	return selection, nil
}
