package adapter

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/metrics/pkg/apis/custom_metrics"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// namespaceResource is what is asked for where an answer is for a namespace as a whole.
func namespaceResource() schema.GroupResource { return schema.GroupResource{Resource: "namespaces"} }

// namespace answers for a namespace, which the API calls …/namespaces/NAMESPACE/metrics/METRIC.
func (p *Provider) namespace(ctx context.Context, name string, info provider.CustomMetricInfo, metricSelector labels.Selector,
) (*custom_metrics.MetricValue, error) {
	m, err := find(name, info)
	if err != nil {
		return nil, err
	}
	total, _, err := p.total(ctx, m, info, namespaceTarget(name, metricSelector))
	if err != nil {
		return nil, err
	}
	value, _ := m.of(total) // without an error, or there would be no total
	item := answer(m, metricSelector, total.ReadAt, value)
	item.DescribedObject = reference(schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}, "", name)
	return &item, nil
}

func namespaceTarget(name string, metricSelector labels.Selector) Target {
	return Target{Resource: namespaceResource(), Namespace: name, Name: name, MetricSelector: metricSelector}
}

// Grants knows which groups were granted to a namespace; ok is false if none were.
type Grants interface {
	Selection(namespace string) (selection lag.Selection, ok bool)
}

// NamespaceBinder binds a namespace to the groups that it was granted, or if it was granted none, to those that are bound in it. A
// metric selector that names groups decides alone; any other narrows what was granted, or decides alone where nothing was.
type NamespaceBinder struct {
	Grants Grants
	Others Binder // for everything that is no namespace, and for what is bound in one
}

var _ Binder = NamespaceBinder{}

// Bind implements Binder.
func (b NamespaceBinder) Bind(ctx context.Context, target Target) (lag.Selection, error) {
	if target.Resource != namespaceResource() {
		return b.Others.Bind(ctx, target)
	}
	granted, ok := b.Grants.Selection(target.Name)
	if target.MetricSelector.Empty() {
		if ok {
			return granted, nil
		}
		return b.inside(ctx, target)
	}
	selected, err := SelectorBinder{}.Bind(ctx, target)
	if err != nil || len(selected.Groups) > 0 || !ok {
		return selected, err
	}
	return among(selected, granted), nil
}

// inside returns what is bound in a namespace.
func (b NamespaceBinder) inside(ctx context.Context, target Target) (lag.Selection, error) {
	selection, err := b.Others.Bind(ctx, target)
	if _, absent := errors.AsType[*lag.AbsentError](err); absent {
		err = &lag.AbsentError{
			What: fmt.Sprintf("no consumer group is bound to %s", target),
			Hint: "name one by the metric selector, in a HorizontalPodAutoscaler metric.selector.matchLabels.consumergroup, " +
				"or grant groups to the namespace by the setting namespaces of the adapter",
		}
	}
	return selection, err
}

// among narrows the selection to the groups that are bound.
func among(selected, bound lag.Selection) lag.Selection {
	matches := selected.Group
	selected.Group = func(name string) bool {
		return (matches == nil || matches(name)) && (bound.Group == nil || bound.Group(name)) &&
			(len(bound.Groups) == 0 || slices.Contains(bound.Groups, name))
	}
	selected.Groups = slices.DeleteFunc(slices.Clone(bound.Groups), func(name string) bool { return !selected.Group(name) })
	selected.What += " among " + bound.What
	return selected
}
