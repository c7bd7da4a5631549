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

// Pods knows the pods. An error means that it cannot tell now, never that there are none.
type Pods interface {
	lag.PodDirectory
	// List returns the pods of the namespace that match the selector and can consume, in any order: those that are neither
	// terminating nor finished.
	List(namespace string, selector labels.Selector) ([]lag.Pod, error)
	// Exists says whether there is such a pod of that name.
	Exists(namespace, name string) (bool, error)
}

// Objects knows the objects other than pods. A not-found status error (apierrors.IsNotFound) means that there is no such object
// or kind; any other error, that this cannot be told now.
type Objects interface {
	// Lookup returns the kind of an existing object, and if it has a scale subresource, the label selector of its pods.
	Lookup(ctx context.Context, resource schema.GroupResource, object types.NamespacedName) (kind schema.GroupVersionKind, pods labels.Selector, err error)
	// List returns the names of the objects that match the selector. An error that is an API status is answered as it is.
	List(ctx context.Context, resource schema.GroupResource, namespace string, selector labels.Selector) ([]string, error)
	// TopicName returns the name in Kafka of a KafkaTopic's topic.
	TopicName(ctx context.Context, object types.NamespacedName) (string, error)
}

// ProviderConfig is what a Provider needs. Every field but Pods, Now and Ages is required.
type ProviderConfig struct {
	Source   Source
	Interest Interest
	MaxAge   time.Duration // what was read longer ago is unknown
	Binder   Binder
	Pods     Pods // nil if pods are not to be known: then they have no metrics
	Objects  Objects
	Now      func() time.Time // time.Now if nil
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
// too, but one without a reason. For other objects that match there is one item each, but for those that no group is bound to.
func (p *Provider) GetMetricBySelector(ctx context.Context, namespace string, selector labels.Selector,
	info provider.CustomMetricInfo, metricSelector labels.Selector,
) (*custom_metrics.MetricValueList, error) {
	m, err := find(namespace, info)
	if err != nil {
		return nil, err
	}
	if info.GroupResource != podResource() {
		return p.objects(ctx, namespace, selector, m, info, metricSelector)
	}
	if p.cfg.Pods == nil {
		return nil, podsNotServed(info)
	}
	pods, err := p.cfg.Pods.List(namespace, selector)
	if err != nil {
		return nil, unavailable(info, fmt.Errorf("list the pods of namespace %q: %w", namespace, err))
	}
	return p.pods(ctx, namespace, pods, selector, m, info, metricSelector)
}

// GetMetricByName answers for one object, or for one pod. The one pod is then all that was asked for, so it has the total: a
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
	return p.object(ctx, object, m, info, metricSelector)
}

// total returns what the target selects in total, and each pod's part if it is pods.
func (p *Provider) total(ctx context.Context, m metric, info provider.CustomMetricInfo, target Target) (lag.Total, []lag.PodTotal, error) {
	snapshots, selection, err := p.bind(ctx, info, target)
	if err != nil {
		return lag.Total{}, nil, err
	}
	total, pods, err := lag.SumByPod(snapshots, selection, target.Pods, p.cfg.Pods, p.cfg.Now(), p.cfg.MaxAge)
	if err == nil {
		_, err = m.of(total)
	}
	if err != nil {
		return lag.Total{}, nil, statusFor(info, err)
	}
	p.observeAge(total.ReadAt)
	return total, pods, nil
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
		return metric{}, notFound(info, "only objects in a namespace have metrics, and namespaces themselves")
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
