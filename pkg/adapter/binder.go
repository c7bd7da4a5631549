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
	Resource       schema.GroupResource // pods, the resource of another object, or namespaces
	Namespace      string
	Name           string          // of the object or namespace; empty for pods
	Pods           []lag.Pod       // the pods that are asked for, by name; nil for anything else
	PodSelector    labels.Selector // of an object that can be scaled, which pods are its own; else nil
	Topic          string          // the name of the topic that the object stands for; empty if it stands for none
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

// itsPods names the target's pods.
func (t Target) itsPods() string {
	if t.Name != "" {
		return "the pods of " + t.String()
	}
	return "the " + t.String()
}

// Binder decides which groups and partitions answer for a target.
//
// A *lag.AbsentError says that none do and what to set, a *lag.UnknownError that it cannot be told now; an error that is an API
// status, such as the 400 for a metric selector that makes no sense, is answered as it is.
type Binder interface {
	Bind(ctx context.Context, target Target) (lag.Selection, error)
}

// SelectorBinder binds by the metric selector, which is a label selector over the labels of the lag series: cluster,
// consumergroup, topic and partition. It knows no other way, so a target without a metric selector is bound to nothing, but for a
// topic, which is bound to all groups.
type SelectorBinder struct{}

var _ Binder = SelectorBinder{}

// Bind implements Binder.
func (SelectorBinder) Bind(_ context.Context, target Target) (lag.Selection, error) {
	if target.MetricSelector.Empty() && target.Topic == "" {
		return lag.Selection{}, &lag.AbsentError{What: fmt.Sprintf("no consumer group is bound to %s", target), Hint: hintSelector}
	}
	return selected(target)
}

const hintSelector = "name one in the HorizontalPodAutoscaler by metric.selector.matchLabels.consumergroup, " +
	"or in a request of your own by ?metricLabelSelector=consumergroup%3DNAME"

// selected returns the selection of the target's metric selector, and of its topic if it is one.
func selected(target Target) (lag.Selection, error) {
	selection, err := parseSelection(target.MetricSelector)
	if err != nil {
		return lag.Selection{}, apierrors.NewBadRequest(fmt.Sprintf("metric selector %q: %v", target.MetricSelector, err))
	}
	if target.Topic != "" {
		narrow(&selection.Topic, []string{target.Topic})
		describe(&selection, fmt.Sprintf("topic %q", target.Topic))
	}
	return selection, nil
}

// narrow makes the predicate hold for no others than the names. It holds for all names where it is nil.
func narrow(holds *func(string) bool, names []string) {
	among, before := make(map[string]bool, len(names)), *holds
	for _, name := range names {
		among[name] = true
	}
	*holds = func(name string) bool { return among[name] && (before == nil || before(name)) }
}

// describe adds to what errors call the selection.
func describe(selection *lag.Selection, what string) {
	if selection.What != "" {
		what = selection.What + " and " + what
	}
	selection.What = what
}
