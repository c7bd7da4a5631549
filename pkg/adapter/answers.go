package adapter

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/metrics/pkg/apis/custom_metrics"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// object answers for one object that is no pod.
func (p *Provider) object(ctx context.Context, object types.NamespacedName, m metric, info provider.CustomMetricInfo,
	metricSelector labels.Selector,
) (*custom_metrics.MetricValue, error) {
	target := Target{Resource: info.GroupResource, Namespace: object.Namespace, Name: object.Name, MetricSelector: metricSelector}
	kind, pods, err := p.cfg.Objects.Lookup(ctx, info.GroupResource, object)
	if err == nil && info.GroupResource == topicResource() {
		target.Topic, err = p.cfg.Objects.TopicName(ctx, object)
	}
	if err != nil {
		return nil, lookupStatus(info, fmt.Sprintf("look up %s %s", info.GroupResource, object), err)
	}
	target.PodSelector = pods
	total, _, err := p.total(ctx, m, info, target)
	if err != nil {
		return nil, err
	}
	value, _ := m.of(total) // without an error, or there would be no total
	item := answer(m, metricSelector, total.ReadAt, value)
	item.DescribedObject = reference(kind, object.Namespace, object.Name)
	return &item, nil
}

// objects answers for the objects that match the selector. What is known of none but some of them is an error: a list that lacks
// one for that reason would look as if it had none.
func (p *Provider) objects(ctx context.Context, namespace string, selector labels.Selector, m metric, info provider.CustomMetricInfo,
	metricSelector labels.Selector,
) (*custom_metrics.MetricValueList, error) {
	names, err := p.cfg.Objects.List(ctx, info.GroupResource, namespace, selector)
	if err != nil {
		return nil, lookupStatus(info, fmt.Sprintf("list the %s of namespace %q", info.GroupResource, namespace), err)
	}
	list := &custom_metrics.MetricValueList{}
	absent := notFound(info, "none of namespace %q matches the label selector %q", namespace, selector)
	for _, name := range names {
		item, err := p.object(ctx, types.NamespacedName{Namespace: namespace, Name: name}, m, info, metricSelector)
		switch {
		case apierrors.IsNotFound(err):
			absent = err
		case err != nil:
			return nil, err
		default:
			list.Items = append(list.Items, *item)
		}
	}
	if len(list.Items) == 0 {
		return nil, absent
	}
	return list, nil
}

func (p *Provider) pod(ctx context.Context, object types.NamespacedName, m metric, info provider.CustomMetricInfo,
	metricSelector labels.Selector,
) (*custom_metrics.MetricValue, error) {
	if p.cfg.Pods == nil {
		return nil, podsNotServed(info)
	}
	exists, err := p.cfg.Pods.Exists(object.Namespace, object.Name)
	if err != nil {
		return nil, unavailable(info, fmt.Errorf("look up pod %s: %w", object, err))
	}
	if !exists {
		return nil, notFound(info, "there is no pod %q in namespace %q, or it is terminating or finished", object.Name, object.Namespace)
	}
	pods := []lag.Pod{{Namespace: object.Namespace, Name: object.Name}}
	list, err := p.pods(ctx, object.Namespace, pods, labels.Nothing(), m, info, metricSelector)
	if err != nil {
		return nil, err
	}
	return &list.Items[0], nil
}

// pods answers for the pods; selector is how they were found.
func (p *Provider) pods(ctx context.Context, namespace string, pods []lag.Pod, selector labels.Selector, m metric,
	info provider.CustomMetricInfo, metricSelector labels.Selector,
) (*custom_metrics.MetricValueList, error) {
	pods = slices.Clone(pods)
	slices.SortFunc(pods, func(a, b lag.Pod) int { return cmp.Compare(a.Name, b.Name) })
	total, each, err := p.total(ctx, m, info, Target{Resource: info.GroupResource, Namespace: namespace, Pods: pods, MetricSelector: metricSelector})
	if len(pods) == 0 && (err == nil || apierrors.IsNotFound(err)) {
		return nil, notFound(info, "no pod of namespace %q that is neither terminating nor finished matches the label selector %q; "+
			"check the selector of the scale target and that its pods run", namespace, selector)
	}
	if err != nil {
		return nil, err
	}
	kind := schema.GroupVersionKind{Version: "v1", Kind: "Pod"}
	item := answer(m, metricSelector, total.ReadAt, 0) // parsing the selector for each pod would cost more than all else
	list := &custom_metrics.MetricValueList{Items: make([]custom_metrics.MetricValue, len(pods))}
	for i, pod := range pods {
		list.Items[i] = item
		list.Items[i].Value.Set(m.ofPod(each[i]))
		list.Items[i].DescribedObject = reference(kind, namespace, pod.Name)
	}
	return list, nil
}
