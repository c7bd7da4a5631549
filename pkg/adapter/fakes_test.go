package adapter

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/tenants"
)

type fakeSource func() []*lag.Snapshot

func (f fakeSource) Snapshots(string) []*lag.Snapshot { return f() }

// fakePods has pods of the namespace default, which may have addresses.
type fakePods struct {
	list      func(namespace string, selector labels.Selector) ([]lag.Pod, error)
	exists    func(namespace, name string) (bool, error)
	addresses map[lag.Pod]netip.Addr
}

func (f fakePods) List(namespace string, selector labels.Selector) ([]lag.Pod, error) {
	return f.list(namespace, selector)
}
func (f fakePods) Exists(namespace, name string) (bool, error) { return f.exists(namespace, name) }

func (f fakePods) At(address netip.Addr) []lag.Pod {
	return f.where(func(pod lag.Pod) bool { return f.addresses[pod] == address })
}

func (f fakePods) Named(name string) []lag.Pod {
	return f.where(func(pod lag.Pod) bool { return pod.Name == name })
}

func (f fakePods) Addresses(pod lag.Pod) []netip.Addr {
	if address, ok := f.addresses[pod]; ok {
		return []netip.Addr{address}
	}
	return nil
}

func (f fakePods) where(matches func(lag.Pod) bool) (pods []lag.Pod) {
	for pod := range f.addresses {
		if matches(pod) {
			pods = append(pods, pod)
		}
	}
	return pods
}

// fakeObjects has Deployments, Services and KafkaTopics.
type fakeObjects struct{}

func (fakeObjects) Lookup(_ context.Context, resource schema.GroupResource, object types.NamespacedName) (schema.GroupVersionKind, labels.Selector, error) {
	name := resource.String() + "/" + object.Name
	switch {
	case object.Namespace == "broken":
		return schema.GroupVersionKind{}, nil, errors.New("connection refused")
	case slices.Contains([]string{"deployments.apps/consumer", "deployments.apps/annotated", "deployments.apps/idle"}, name):
		app := map[string]string{"consumer": "consumer", "annotated": "consumer", "idle": "idle"}[object.Name]
		return schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, labels.SelectorFromSet(labels.Set{"app": app}), nil
	case name == "services/web" || name == "services/annotated":
		return schema.GroupVersionKind{Version: "v1", Kind: "Service"}, nil, nil
	case resource == topicResource() && (object.Name == "orders-topic" || object.Name == "annotated"):
		return schema.GroupVersionKind{Group: resource.Group, Version: "v1", Kind: "KafkaTopic"}, nil, nil
	default:
		return schema.GroupVersionKind{}, nil, apierrors.NewNotFound(resource, object.Name)
	}
}

func (fakeObjects) List(_ context.Context, resource schema.GroupResource, namespace string, selector labels.Selector) ([]string, error) {
	switch {
	case namespace == "broken":
		return nil, errors.New("connection refused")
	case selector.String() == "app=crowded":
		return nil, apierrors.NewBadRequest("too many match")
	case resource.Resource == "deployments" && selector.Matches(labels.Set{"app": "consumer"}):
		return []string{"annotated", "consumer", "idle"}, nil
	case resource.Resource == "services" && selector.Matches(labels.Set{"app": "consumer"}):
		return []string{"web"}, nil
	}
	return nil, nil
}

func (fakeObjects) TopicName(context.Context, types.NamespacedName) (string, error) {
	return "orders", nil
}

// fakeAnnotations are those of objects by name, and of pods by what has them.
type fakeAnnotations struct {
	objects map[string]map[string]string
	pods    map[string]map[string]string
	err     error
}

func (f fakeAnnotations) Of(_ context.Context, _ schema.GroupResource, object types.NamespacedName) (map[string]string, error) {
	return f.objects[object.Name], f.err
}

func (f fakeAnnotations) OfPods(_ context.Context, pods []lag.Pod) (map[string]map[string]string, error) {
	if len(pods) == 0 {
		return nil, errors.New("asked for no pods")
	}
	return f.pods, f.err
}

// readAt is when everything in the fixture was read, and now is two seconds later.
var (
	readAt = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	now    = readAt.Add(2 * time.Second)
)

const maxAge = time.Minute

// fixture is one cluster with the groups
//
//	orders   42 records on orders/0..3 (20, 15, 7, 0), 3 members
//	billing  5 records on invoices/0, whose members are not known
//	lost     a partition that was never read
func fixture() []*lag.Snapshot {
	orders := group("orders", topic("orders", 20, 15, 7, 0))
	orders.MembersReadAt = readAt
	orders.Members = []lag.Member{
		{ID: "a", Assigned: []lag.TopicPartitions{{Topic: "orders", Partitions: []int32{0, 1}}}},
		{ID: "b", Assigned: []lag.TopicPartitions{{Topic: "orders", Partitions: []int32{2}}}},
		{ID: "c", Assigned: []lag.TopicPartitions{{Topic: "orders", Partitions: []int32{3}}}},
	}
	billing := group("billing", topic("invoices", 5))
	billing.MembersErr = &lag.ReadError{Class: lag.ClassAuthorization, Broker: 1, Op: "DescribeGroups", Err: errors.New("not allowed")}
	lost := group("lost", lag.TopicLag{Topic: "orders", Partitions: []lag.PartitionLag{{Partition: 0, Unread: 1}}, Unread: []lag.Unread{{Err: hung()}}, Err: hung()})
	groups := []*lag.Group{billing, lost, orders}
	return []*lag.Snapshot{{Cluster: "main", TakenAt: readAt, ListedAt: readAt, Groups: groups}}
}

func hung() error {
	return &lag.ReadError{Class: lag.ClassTimeout, Broker: 2, Op: "ListOffsets", Err: context.DeadlineExceeded}
}

func group(name string, topics ...lag.TopicLag) *lag.Group {
	return &lag.Group{Name: name, ReadAt: readAt, Topics: topics}
}

func topic(name string, lags ...int64) lag.TopicLag {
	t := lag.TopicLag{Topic: name, ReadAt: readAt}
	for i, records := range lags {
		t.Partitions = append(t.Partitions, lag.PartitionLag{Partition: int32(i), Lag: records})
	}
	return t
}

// clusterPods is a namespace "default" with pods of app=consumer, and a namespace "broken" of which nothing can be told.
func clusterPods(names ...string) fakePods {
	addresses := map[lag.Pod]netip.Addr{}
	for i, name := range names {
		addresses[lag.Pod{Namespace: "default", Name: name}] = netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
	}
	return fakePods{
		addresses: addresses,
		list: func(namespace string, selector labels.Selector) (pods []lag.Pod, err error) {
			if namespace == "broken" {
				return nil, errors.New("the pods are not known yet")
			}
			if namespace != "default" || !selector.Matches(labels.Set{"app": "consumer"}) {
				return nil, nil
			}
			for _, name := range names {
				pods = append(pods, lag.Pod{Namespace: namespace, Name: name})
			}
			return pods, nil
		},
		exists: func(namespace, name string) (bool, error) {
			if namespace == "broken" {
				return false, errors.New("the pods are not known yet")
			}
			return namespace == "default" && slices.Contains(names, name), nil
		},
	}
}

// asked collects which groups were asked for.
type asked struct {
	mu     sync.Mutex
	groups []string
}

func (a *asked) Ask(groups []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.groups = append(a.groups, groups...)
}

// grants has the groups orders and billing for "granted", and those that begin with o for "prefixed".
func grants() tenants.Grants {
	return tenants.Grants{"granted": {Names: []string{"billing", "orders"}}, "prefixed": {Prefixes: []string{"o"}}}
}

// take returns what was asked for since the last call.
func (a *asked) take() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	groups := a.groups
	a.groups = nil
	return groups
}

// newProvider is a Provider for the fixture and three pods, listed in no order.
func newProvider() *Provider {
	return NewProvider(ProviderConfig{
		Source: fakeSource(fixture), Interest: &asked{}, MaxAge: maxAge, Now: func() time.Time { return now },
		Binder: NamespaceBinder{Grants: grants(), Others: SelectorBinder{}},
		Pods:   clusterPods("consumer-c", "consumer-a", "consumer-b"), Objects: fakeObjects{},
	})
}
