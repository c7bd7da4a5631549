package adapter

import (
	"context"
	"errors"
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

type fakePods struct {
	names  func(namespace string, selector labels.Selector) ([]string, error)
	exists func(namespace, name string) (bool, error)
}

func (f fakePods) Names(namespace string, selector labels.Selector) ([]string, error) {
	return f.names(namespace, selector)
}
func (f fakePods) Exists(namespace, name string) (bool, error) { return f.exists(namespace, name) }

type fakeWorkloads func(ctx context.Context, resource schema.GroupResource, object types.NamespacedName) (schema.GroupVersionKind, error)

func (f fakeWorkloads) Lookup(ctx context.Context, resource schema.GroupResource, object types.NamespacedName) (schema.GroupVersionKind, error) {
	return f(ctx, resource, object)
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

// cluster is a namespace "default" with pods of app=consumer and one Deployment, and a namespace "broken" of which nothing can be
// told.
func clusterPods(names ...string) fakePods {
	return fakePods{
		names: func(namespace string, selector labels.Selector) ([]string, error) {
			if namespace == "broken" {
				return nil, errors.New("the pods are not known yet")
			}
			if namespace != "default" || !selector.Matches(labels.Set{"app": "consumer"}) {
				return nil, nil
			}
			return names, nil
		},
		exists: func(namespace, name string) (bool, error) {
			if namespace == "broken" {
				return false, errors.New("the pods are not known yet")
			}
			return namespace == "default" && slices.Contains(names, name), nil
		},
	}
}

func clusterWorkloads(_ context.Context, resource schema.GroupResource, object types.NamespacedName) (schema.GroupVersionKind, error) {
	deployment := schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}
	switch {
	case object.Namespace == "broken":
		return schema.GroupVersionKind{}, errors.New("connection refused")
	case resource == schema.GroupResource{Group: "apps", Resource: "deployments"} && object.Name == "consumer":
		return deployment, nil
	default:
		return schema.GroupVersionKind{}, apierrors.NewNotFound(resource, object.Name)
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
		Pods:   clusterPods("consumer-c", "consumer-a", "consumer-b"), Workloads: fakeWorkloads(clusterWorkloads),
	})
}
