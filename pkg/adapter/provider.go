package adapter

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/api/validate/content"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/metrics/pkg/apis/custom_metrics"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// Source has the latest snapshots, one per cluster, with the groups that a namespace may know of. They must not change once
// returned. There is no other way to them: what hides a group here hides it from every request.
type Source interface {
	Snapshots(namespace string) []*lag.Snapshot
}

// Interest is told which consumer groups are asked for, so that they are read more often. It must not wait for anything.
type Interest interface {
	Ask(groups []string)
}

// Pods knows the pods that can consume: those that are neither terminating nor finished. An error means that it cannot tell
// now, never that there are none.
type Pods interface {
	// Names returns the names of such pods of the namespace that match the selector, in any order.
	Names(namespace string, selector labels.Selector) ([]string, error)
	// Exists says whether there is such a pod of that name.
	Exists(namespace, name string) (bool, error)
}

// Workloads knows the objects that can be scaled.
type Workloads interface {
	// Lookup returns the kind of an existing object that has a scale subresource. A not-found status error
	// (apierrors.IsNotFound) means that there is no such object or that its kind cannot be scaled; any other error, that this
	// cannot be told now.
	Lookup(ctx context.Context, resource schema.GroupResource, object types.NamespacedName) (schema.GroupVersionKind, error)
}

// ProviderConfig is what a Provider needs. Every field but Now and Ages is required.
type ProviderConfig struct {
	Source    Source
	Interest  Interest
	MaxAge    time.Duration // what was read longer ago is unknown
	Binder    Binder
	Pods      Pods
	Workloads Workloads
	Now       func() time.Time // time.Now if nil
	// Ages takes the age of each value served, in seconds. Nil takes none.
	Ages prometheus.Observer
}

// Provider answers requests of custom.metrics.k8s.io. It keeps no state of its own.
type Provider struct {
	cfg ProviderConfig
}

var _ provider.CustomMetricsProvider = (*Provider)(nil)

// NewProvider returns a Provider.
func NewProvider(cfg ProviderConfig) *Provider {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Provider{cfg: cfg}
}

// GetMetricBySelector answers for the pods that match the selector: one item for each, in the order of their names, whose values
// add up to the total. No pod is a 404 and not an empty list: the HorizontalPodAutoscaler takes an empty list for an error
// too, but one without a reason.
func (p *Provider) GetMetricBySelector(ctx context.Context, namespace string, selector labels.Selector,
	info provider.CustomMetricInfo, metricSelector labels.Selector,
) (*custom_metrics.MetricValueList, error) {
	m, err := find(namespace, info)
	if err != nil {
		return nil, err
	}
	if info.GroupResource != podResource() {
		return nil, apierrors.NewBadRequest(fmt.Sprintf(
			"%s are not listed by a label selector, only pods are: put the name of one object in the place of *", info.GroupResource))
	}
	names, err := p.cfg.Pods.Names(namespace, selector)
	if err != nil {
		return nil, unavailable(info, fmt.Errorf("list the pods of namespace %q: %w", namespace, err))
	}
	return p.pods(ctx, namespace, names, selector, m, info, metricSelector)
}

// GetMetricByName answers for one workload, or for one pod. The one pod is then all that was asked for, so it has the total: a
// value that is to be summed over pods must be asked for by label selector.
func (p *Provider) GetMetricByName(ctx context.Context, object types.NamespacedName,
	info provider.CustomMetricInfo, metricSelector labels.Selector,
) (*custom_metrics.MetricValue, error) {
	if object.Namespace == "" && info.GroupResource == namespaceResource() {
		return p.namespace(ctx, object.Name, info, metricSelector)
	}
	m, err := find(object.Namespace, info)
	if err != nil {
		return nil, err
	}
	if problems := content.IsPathSegmentName(object.Name); len(problems) > 0 || object.Name == "" {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("%q is no name of an object: %v", object.Name, problems))
	}
	if info.GroupResource == podResource() {
		return p.pod(ctx, object, m, info, metricSelector)
	}
	kind, err := p.cfg.Workloads.Lookup(ctx, info.GroupResource, object)
	switch {
	case apierrors.IsNotFound(err):
		return nil, notFound(info, "%v", err)
	case err != nil:
		return nil, unavailable(info, fmt.Errorf("look up %s %s: %w", info.GroupResource, object, err))
	}
	value, readAt, err := p.total(ctx, m, info, Target{
		Resource: info.GroupResource, Namespace: object.Namespace, Name: object.Name, MetricSelector: metricSelector,
	})
	if err != nil {
		return nil, err
	}
	item := answer(m, metricSelector, readAt, value)
	item.DescribedObject = reference(kind, object.Namespace, object.Name)
	return &item, nil
}

func (p *Provider) pod(ctx context.Context, object types.NamespacedName, m metric, info provider.CustomMetricInfo,
	metricSelector labels.Selector,
) (*custom_metrics.MetricValue, error) {
	exists, err := p.cfg.Pods.Exists(object.Namespace, object.Name)
	if err != nil {
		return nil, unavailable(info, fmt.Errorf("look up pod %s: %w", object, err))
	}
	if !exists {
		return nil, notFound(info, "there is no pod %q in namespace %q, or it is terminating or finished", object.Name, object.Namespace)
	}
	list, err := p.pods(ctx, object.Namespace, []string{object.Name}, labels.Nothing(), m, info, metricSelector)
	if err != nil {
		return nil, err
	}
	return &list.Items[0], nil
}

// pods answers for the pods of these names; selector is how they were found.
func (p *Provider) pods(ctx context.Context, namespace string, names []string, selector labels.Selector, m metric,
	info provider.CustomMetricInfo, metricSelector labels.Selector,
) (*custom_metrics.MetricValueList, error) {
	names = slices.Sorted(slices.Values(names))
	value, readAt, err := p.total(ctx, m, info, Target{
		Resource: info.GroupResource, Namespace: namespace, Pods: names, MetricSelector: metricSelector,
	})
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, notFound(info, "no pod of namespace %q that is neither terminating nor finished matches the label selector %q; "+
			"check the selector of the scale target and that its pods run", namespace, selector)
	}
	values := slices.Repeat([]int64{value}, len(names))
	if m.split {
		values = lag.Shares(value, len(names))
	}
	kind := schema.GroupVersionKind{Version: "v1", Kind: "Pod"}
	list := &custom_metrics.MetricValueList{Items: make([]custom_metrics.MetricValue, len(names))}
	for i, name := range names {
		list.Items[i] = answer(m, metricSelector, readAt, values[i])
		list.Items[i].DescribedObject = reference(kind, namespace, name)
	}
	return list, nil
}

// total returns the metric's value over all that the target selects, and when it was read.
func (p *Provider) total(ctx context.Context, m metric, info provider.CustomMetricInfo, target Target) (int64, time.Time, error) {
	snapshots, selection, err := p.bind(ctx, info, target)
	if err != nil {
		return 0, time.Time{}, err
	}
	total, err := lag.Sum(snapshots, selection, p.cfg.Now(), p.cfg.MaxAge)
	if err != nil {
		return 0, time.Time{}, statusFor(info, err)
	}
	value, err := m.of(total)
	if err != nil {
		return 0, time.Time{}, statusFor(info, err)
	}
	p.observeAge(total.ReadAt)
	return value, total.ReadAt, nil
}

func (p *Provider) observeAge(readAt time.Time) {
	if p.cfg.Ages != nil {
		p.cfg.Ages.Observe(p.cfg.Now().Sub(readAt).Seconds())
	}
}

// bind returns the snapshots as the target's namespace may see them, and what of them answers for the target.
func (p *Provider) bind(ctx context.Context, info provider.CustomMetricInfo, target Target) ([]*lag.Snapshot, lag.Selection, error) {
	target.Snapshots = p.cfg.Source.Snapshots(target.Namespace)
	selection, err := p.cfg.Binder.Bind(ctx, target)
	if err != nil {
		return nil, lag.Selection{}, statusFor(info, err)
	}
	p.cfg.Interest.Ask(selection.Existing(target.Snapshots)) // also if the answer is an error: the next one comes sooner
	return target.Snapshots, selection, nil
}

// find returns the metric that is asked for, or a 404 that says what there is.
func find(namespace string, info provider.CustomMetricInfo) (metric, error) {
	all := metrics()
	i := slices.IndexFunc(all, func(m metric) bool { return m.name == info.Metric })
	if i < 0 {
		return metric{}, notFound(info, "there is no such metric; there are %s", metricNames())
	}
	if namespace == "" {
		return metric{}, notFound(info, "only objects in a namespace have metrics (pods, and whatever has a scale subresource), and namespaces themselves")
	}
	if problems := validation.IsDNS1123Label(namespace); len(problems) > 0 {
		return metric{}, apierrors.NewBadRequest(fmt.Sprintf("%q is no name of a namespace: %v", namespace, problems))
	}
	return all[i], nil
}

// answer is an item without its object. Its timestamp is when the value was read, however long ago that is.
func answer(m metric, metricSelector labels.Selector, readAt time.Time, value int64) custom_metrics.MetricValue {
	item := custom_metrics.MetricValue{
		Metric:    custom_metrics.MetricIdentifier{Name: m.name},
		Timestamp: metav1.NewTime(readAt),
		Value:     *resource.NewQuantity(value, resource.DecimalSI),
	}
	// The type of the answer has no comparisons (partition>3), which are valid in a request: such a selector is not repeated.
	if selector, err := metav1.ParseToLabelSelector(metricSelector.String()); err == nil && !metricSelector.Empty() {
		item.Metric.Selector = selector
	}
	return item
}

func reference(kind schema.GroupVersionKind, namespace, name string) custom_metrics.ObjectReference {
	return custom_metrics.ObjectReference{
		APIVersion: kind.GroupVersion().String(), Kind: kind.Kind, Namespace: namespace, Name: name,
	}
}
