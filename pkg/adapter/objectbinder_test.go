package adapter

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// consuming is one cluster with the groups
//
//	orders  20 and 15 records on orders/0, 1 of the pod consumer-a, 7 on orders/2 of consumer-b, 3 on refunds/0 of consumer-b
//	audit   5 records on orders/0 of a member on consumer-a, whose host is not the pod's
//	other   9 records on other/0 of a member elsewhere
func consuming() []*lag.Snapshot {
	member := func(host, id, topic string, partitions ...int32) lag.Member {
		return lag.Member{ClientHost: host, ClientID: id, Assigned: []lag.TopicPartitions{{Topic: topic, Partitions: partitions}}}
	}
	orders := group("orders", topic("orders", 20, 15, 7), topic("refunds", 3))
	orders.Members = []lag.Member{member("/10.0.0.0", "x", "orders", 0, 1), member("/10.0.0.1", "x", "orders", 2)}
	orders.Members[1].Assigned = append(orders.Members[1].Assigned, lag.TopicPartitions{Topic: "refunds", Partitions: []int32{0}})
	audit := group("audit", topic("orders", 5))
	audit.Members = []lag.Member{member("/192.168.0.1", "audit-consumer-a-0", "orders", 0)}
	other := group("other", topic("other", 9))
	other.Members = []lag.Member{member("/10.9.9.9", "x", "other", 0)}
	for _, g := range []*lag.Group{orders, audit, other} {
		g.MembersReadAt = readAt
	}
	return []*lag.Snapshot{{Cluster: "main", TakenAt: readAt, ListedAt: readAt, Groups: []*lag.Group{audit, orders, other}}}
}

// bindingProvider binds by all there is; the pods are consumer-a, -b and -c.
func bindingProvider(annotations fakeAnnotations) *Provider {
	p := newProvider()
	pods := clusterPods("consumer-a", "consumer-b", "consumer-c")
	p.cfg.Pods, p.cfg.Source = pods, fakeSource(consuming)
	p.cfg.Binder = &ObjectBinder{Annotations: annotations, Pods: pods, All: laterSource(func() Source { return p.cfg.Source }), Membership: true, MaxAge: maxAge, Now: func() time.Time { return now }}
	return p
}

// laterSource is a source that tests may still change.
type laterSource func() Source

func (f laterSource) Snapshots() []*lag.Snapshot { return f().Snapshots("") }

// each asks for the pods of app=consumer.
func each(t *testing.T, p *Provider, metric, selector string) []int64 {
	t.Helper()
	list, err := askPods(t, p, metric, selector)
	if err != nil {
		t.Fatalf("%s: %v", selector, err)
	}
	var values []int64
	for _, item := range list.Items {
		values = append(values, item.Value.Value())
	}
	return values
}

func TestPodsWithoutASelectorHaveTheirOwn(t *testing.T) {
	p := bindingProvider(fakeAnnotations{})
	for _, tc := range []struct {
		metric, selector string
		want             []int64
	}{
		{MetricLag, "", []int64{40, 10, 0}},
		{MetricLagMax, "", []int64{20, 7, 0}},
		{MetricPartitions, "", []int64{3, 2, 0}},
		{MetricMembers, "", []int64{1, 1, 0}},
		{MetricLag, "consumergroup=orders", []int64{35, 10, 0}},
		{MetricLag, "topic=refunds", []int64{0, 3, 0}},
		{MetricLag, "partition=0", []int64{25, 3, 0}},
		{MetricLag, "cluster=main,topic=orders", []int64{40, 7, 0}},
		{MetricLag, "consumergroup=other", []int64{3, 3, 3}},
		{MetricLag, "consumergroup", []int64{43, 13, 3}},
	} {
		if got := each(t, p, tc.metric, tc.selector); !slices.Equal(got, tc.want) {
			t.Errorf("%s of %q: %v, want %v", tc.metric, tc.selector, got, tc.want)
		}
	}
}

func TestObjectsWithoutASelector(t *testing.T) {
	p := bindingProvider(fakeAnnotations{objects: map[string]map[string]string{"annotated": {AnnotationGroup: "other, orders"}}})
	for _, tc := range []struct {
		resource, name, selector string
		want                     int64
	}{
		{"deployments.apps", "consumer", "", 50},
		{"deployments.apps", "consumer", "topic=refunds", 3},
		{"deployments.apps", "consumer", "consumergroup=other", 9},
		{"deployments.apps", "annotated", "", 54},
		{"deployments.apps", "annotated", "topic!=orders", 12},
		{"deployments.apps", "annotated", "consumergroup=audit", 5},
		{"services", "annotated", "", 54},
		{"kafkatopics.kafka.strimzi.io", "orders-topic", "", 47},
		{"kafkatopics.kafka.strimzi.io", "orders-topic", "consumergroup=audit", 5},
		{"kafkatopics.kafka.strimzi.io", "orders-topic", "partition=0", 25},
		{"kafkatopics.kafka.strimzi.io", "annotated", "", 42},
	} {
		item, err := p.GetMetricByName(t.Context(), types.NamespacedName{Namespace: "default", Name: tc.name}, infoOf(tc.resource), parse(t, tc.selector))
		if err != nil || item.Value.Value() != tc.want {
			t.Errorf("%s/%s by %q: %+v, %v, want %d", tc.resource, tc.name, tc.selector, item, err, tc.want)
		}
	}
	list, err := p.GetMetricBySelector(t.Context(), "default", labels.SelectorFromSet(labels.Set{"app": "consumer"}), infoOf("deployments.apps"), labels.Everything())
	if err != nil || len(list.Items) != 2 || list.Items[0].Value.Value() != 54 || list.Items[1].Value.Value() != 50 {
		t.Errorf("by label selector: %+v, %v", list, err)
	}
}

func TestNamespacesWithoutAGrantHaveWhatIsBoundInThem(t *testing.T) {
	for _, tc := range []struct {
		name, namespace, selector string
		annotations               map[string]map[string]string
		membership                bool
		want                      int64
		code                      int32
	}{
		{"members", "default", "", nil, true, 50, 200},
		{"narrowed", "default", "topic=refunds", nil, true, 3, 200},
		{"members and annotations", "default", "", map[string]map[string]string{`pod "x"`: {AnnotationGroup: "other,audit"}, "y": {AnnotationTopics: "t"}}, true, 59, 200},
		{"annotations", "default", "", map[string]map[string]string{`pod "x"`: {AnnotationGroup: "other,audit"}}, false, 14, 200},
		{"neither", "default", "", nil, false, 0, 404},
		{"a group that is named", "default", "consumergroup=other", nil, false, 9, 200},
		{"no pods", "empty", "", nil, true, 0, 404},
		{"not known", "broken", "", nil, true, 0, 503},
		{"a bad annotation", "default", "", map[string]map[string]string{`pod "x"`: {AnnotationGroup: ","}}, true, 0, 400},
		{"granted", "granted", "", nil, true, 45, 200},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := bindingProvider(fakeAnnotations{pods: tc.annotations})
			objects, _ := p.cfg.Binder.(*ObjectBinder)
			objects.Membership, objects.Pods = tc.membership, everyPod(objects.Pods)
			p.cfg.Binder = NamespaceBinder{Grants: grants(), Others: objects}
			item, err := p.GetMetricByName(t.Context(), types.NamespacedName{Name: tc.namespace}, provider.CustomMetricInfo{GroupResource: namespaceResource(), Metric: MetricLag}, parse(t, tc.selector))
			expectStatus(t, err, tc.code)
			if err == nil && item.Value.Value() != tc.want {
				t.Errorf("%d, want %d", item.Value.Value(), tc.want)
			}
		})
	}
}

// everyPod matches them whatever the selector is.
func everyPod(all Pods) Pods {
	pods, _ := all.(fakePods)
	list := pods.list
	pods.list = func(namespace string, _ labels.Selector) ([]lag.Pod, error) {
		return list(namespace, labels.SelectorFromSet(labels.Set{"app": "consumer"}))
	}
	return pods
}

func infoOf(resource string) provider.CustomMetricInfo {
	return provider.CustomMetricInfo{GroupResource: schema.ParseGroupResource(resource), Namespaced: true, Metric: MetricLag}
}

func TestAnnotationsOfPodsBind(t *testing.T) {
	for name, tc := range map[string]struct {
		annotations map[string]map[string]string
		selector    string
		want        []int64
	}{
		"one group":            {map[string]map[string]string{`pod "a"`: {AnnotationGroup: "orders"}}, "", []int64{35, 10, 0}},
		"groups of two pods":   {map[string]map[string]string{`pod "a"`: {AnnotationGroup: "orders"}, `pod "b"`: {AnnotationGroup: "audit,orders"}}, "", []int64{40, 10, 0}},
		"a topic of members":   {map[string]map[string]string{`pod "a"`: {AnnotationTopics: "refunds"}}, "", []int64{0, 3, 0}},
		"a topic and a group":  {map[string]map[string]string{`pod "a"`: {AnnotationTopics: "orders,x", AnnotationGroup: "orders", AnnotationCluster: `["main"]`}}, "", []int64{35, 7, 0}},
		"narrowed":             {map[string]map[string]string{`pod "a"`: {AnnotationGroup: "orders"}}, "topic=orders,partition=2", []int64{0, 7, 0}},
		"a selector overrules": {map[string]map[string]string{`pod "a"`: {AnnotationGroup: "no:such group"}}, "consumergroup=orders", []int64{35, 10, 0}},
	} {
		if got := each(t, bindingProvider(fakeAnnotations{pods: tc.annotations}), MetricLag, tc.selector); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

func TestBindingStatuses(t *testing.T) {
	annotated := func(values map[string]string) fakeAnnotations {
		return fakeAnnotations{objects: map[string]map[string]string{"consumer": values}, pods: map[string]map[string]string{`pod "a"`: values}}
	}
	for name, c := range map[string]struct {
		query
		annotations fakeAnnotations
		change      func(*Provider, *ObjectBinder)
		code        int32
		says        []string
	}{
		"members not known": {query{"default", "pods", "*", MetricLag, ""}, fakeAnnotations{}, func(p *Provider, _ *ObjectBinder) { p.cfg.Source = fakeSource(fixture) },
			503, []string{"whether a member of consumer group", "runs there"}},
		"no member anywhere": {query{"default", "pods", "*", MetricLag, ""}, fakeAnnotations{}, nowhere,
			404, []string{`no consumer group has a member on the pods in namespace "default" (consumer-a, consumer-b, consumer-c)`, AnnotationGroup, "matchLabels.consumergroup"}},
		"no member of the workload's": {query{"default", "deployments.apps", "consumer", MetricLag, ""}, fakeAnnotations{}, nowhere, 404, []string{"has a member on the pods of deployments.apps \"consumer\""}},
		"no pods":                     {query{"default", "deployments.apps", "idle", MetricLag, ""}, fakeAnnotations{}, nil, 404, []string{"no pod of it runs", "to scale from zero"}},
		"no pods listed":              {query{"empty", "pods", "*", MetricLag, ""}, fakeAnnotations{}, nil, 404, []string{"no pod of namespace"}},
		"not a workload":              {query{"default", "services", "web", MetricLag, ""}, fakeAnnotations{}, nil, 404, []string{`no consumer group is bound to services "web"`, AnnotationGroup}},
		"without membership": {query{"default", "pods", "*", MetricLag, ""}, fakeAnnotations{}, func(_ *Provider, b *ObjectBinder) { b.Membership = false },
			404, []string{"no consumer group is bound to pods"}},
		"nothing collected": {query{"default", "pods", "*", MetricLag, ""}, fakeAnnotations{}, func(p *Provider, _ *ObjectBinder) { p.cfg.Source = fakeSource(func() []*lag.Snapshot { return nil }) },
			503, []string{"no collection has ended yet", "the members on the pods in"}},
		"annotations not known":  {query{"default", "pods", "*", MetricLag, ""}, fakeAnnotations{err: errors.New("connection refused")}, nil, 503, []string{"the annotations of the pods in", "connection refused"}},
		"of an object":           {query{"default", "services", "web", MetricLag, ""}, fakeAnnotations{err: errors.New("connection refused")}, nil, 503, []string{`the annotations of services "web"`, "connection refused"}},
		"the API server's error": {query{"default", "services", "web", MetricLag, ""}, fakeAnnotations{err: apierrors.NewInternalError(errors.New("etcd is away"))}, nil, 503, []string{`the annotations of services "web"`, "etcd is away"}},
		"of pods, the same":      {query{"default", "pods", "*", MetricLag, ""}, fakeAnnotations{err: apierrors.NewTooManyRequestsError("later")}, nil, 503, []string{"the annotations of the pods in", "later"}},
		"an object just deleted": {query{"default", "services", "web", MetricLag, ""}, fakeAnnotations{err: apierrors.NewNotFound(schema.GroupResource{Resource: "services"}, "web")}, nil, 404, []string{`services "web" not found`}},
		"not needed":             {query{"default", "pods", "*", MetricLag, "consumergroup=orders"}, fakeAnnotations{err: errors.New("connection refused")}, nil, 200, nil},
		"pods not known": {query{"default", "deployments.apps", "consumer", MetricLag, ""}, fakeAnnotations{}, func(_ *Provider, b *ObjectBinder) {
			b.Pods = fakePods{list: func(string, labels.Selector) ([]lag.Pod, error) { return nil, errors.New("not listed") }}
		}, 503, []string{"the pods of deployments.apps \"consumer\"", "not listed"}},
		"annotated group absent": {query{"default", "deployments.apps", "consumer", MetricLag, ""}, annotated(map[string]string{AnnotationGroup: `["a, b:c"]`}), nil,
			404, []string{`no consumer group matches the annotations of deployments.apps "consumer"`, `"a, b:c"`}},
		"a bad annotation": {query{"default", "pods", "*", MetricLag, ""}, annotated(map[string]string{AnnotationGroup: "a,,b", AnnotationTopics: "x/y", "kafka-lag-adapter/group": "c"}), nil,
			400, []string{`pod "a"`, AnnotationGroup, "a,,b", "a name is empty", AnnotationTopics, `"x/y"`, "letters", "kafka-lag-adapter/group", "no such annotation"}},
		"a bad annotation of the object": {query{"default", "deployments.apps", "consumer", MetricLag, ""}, annotated(map[string]string{AnnotationCluster: "[1]"}), nil,
			400, []string{`deployments.apps "consumer"`, AnnotationCluster, "JSON list"}},
		"topic of none": {query{"default", "kafkatopics.kafka.strimzi.io", "orders-topic", MetricLag, "consumergroup=other"}, fakeAnnotations{}, nil,
			404, []string{`no partition matches consumergroup=other and topic "orders"`}},
		"a bad selector": {query{"default", "pods", "*", MetricLag, "group=x"}, fakeAnnotations{}, nil, 400, []string{`"group"`}},
		"contradiction": {query{"default", "pods", "*", MetricLag, ""}, fakeAnnotations{pods: map[string]map[string]string{
			`pod "a"`: {AnnotationGroup: "a", AnnotationTopics: "x"}, `pod "b"`: {AnnotationGroup: "a"},
		}}, nil, 400, []string{`pod "a" and pod "b"`, AnnotationTopics}},
		"pods are not to be known":       {query{"default", "pods", "*", MetricLag, "consumergroup=orders"}, fakeAnnotations{}, withoutPods, 404, []string{"--bind=selector", "type Object"}},
		"a pod is not to be known":       {query{"default", "pods", "consumer-a", MetricLag, "consumergroup=orders"}, fakeAnnotations{}, withoutPods, 404, []string{"--bind=selector"}},
		"workloads are known without it": {query{"default", "deployments.apps", "consumer", MetricLag, "consumergroup=orders"}, fakeAnnotations{}, withoutPods, 200, nil},
		"but are not bound":              {query{"default", "deployments.apps", "consumer", MetricLag, ""}, fakeAnnotations{}, withoutPods, 404, []string{"matchLabels.consumergroup"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := bindingProvider(c.annotations)
			if c.change != nil {
				binder, _ := p.cfg.Binder.(*ObjectBinder)
				c.change(p, binder)
			}
			expectStatus(t, c.run(t, p), c.code, c.says...)
		})
	}
}

// nowhere leaves only the group whose member is elsewhere.
func nowhere(p *Provider, _ *ObjectBinder) {
	p.cfg.Source = fakeSource(func() []*lag.Snapshot {
		s := consuming()
		s[0].Groups = s[0].Groups[2:]
		return s
	})
}

func withoutPods(p *Provider, _ *ObjectBinder) { p.cfg.Pods, p.cfg.Binder = nil, SelectorBinder{} }

func TestMembersOnIPv6AndByName(t *testing.T) {
	p := bindingProvider(fakeAnnotations{})
	pods := clusterPods("consumer-a", "consumer-b", "consumer-c")
	pods.addresses[lag.Pod{Namespace: "default", Name: "consumer-b"}] = netip.MustParseAddr("fd00::1")
	p.cfg.Pods = pods
	p.cfg.Binder = &ObjectBinder{Annotations: fakeAnnotations{}, Pods: pods, All: laterSource(func() Source { return p.cfg.Source }), Membership: true, MaxAge: maxAge, Now: func() time.Time { return now }}
	p.cfg.Source = fakeSource(func() []*lag.Snapshot {
		s := consuming()
		s[0].Groups[1].Members[1].ClientHost = "/fd00:0:0:0:0:0:0:1"
		return s
	})
	if got := each(t, p, MetricLag, ""); !slices.Equal(got, []int64{40, 10, 0}) {
		t.Errorf("got %v", got)
	}
}

func FuzzParseNames(f *testing.F) {
	for _, seed := range []string{"orders", " a , b ", `["a,b"," c "]`, "[", "[]", "[1]", "", ",", "a:b/c d", "null", `["a"] x`, "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		names, err := parseNames(value)
		if err != nil {
			if names != nil || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: %q, %v", value, names, err)
			}
			return
		}
		if len(names) == 0 || slices.Contains(names, "") || !slices.IsSorted(names) {
			t.Errorf("%q: %q", value, names)
		}
	})
}
