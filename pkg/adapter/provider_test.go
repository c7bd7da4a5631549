package adapter

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/metrics/pkg/apis/custom_metrics"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

func podMetric(name string) provider.CustomMetricInfo {
	return provider.CustomMetricInfo{GroupResource: podResource(), Namespaced: true, Metric: name}
}

func deploymentMetric(name string) provider.CustomMetricInfo {
	return provider.CustomMetricInfo{GroupResource: schema.GroupResource{Group: "apps", Resource: "deployments"}, Namespaced: true, Metric: name}
}

func askPods(t *testing.T, p *Provider, metric, metricSelector string) (*custom_metrics.MetricValueList, error) {
	t.Helper()
	return p.GetMetricBySelector(t.Context(), "default", labels.SelectorFromSet(labels.Set{"app": "consumer"}), podMetric(metric), parse(t, metricSelector))
}

func TestPodsShareTheTotal(t *testing.T) {
	for metric, want := range map[string][]int64{
		MetricLag:        {14, 14, 14},
		MetricLagMax:     {20, 20, 20},
		MetricMembers:    {1, 1, 1},
		MetricPartitions: {2, 1, 1},
	} {
		list, err := askPods(t, newProvider(), metric, "consumergroup=orders")
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		var values []int64
		for _, item := range list.Items {
			names = append(names, item.DescribedObject.Name)
			values = append(values, item.Value.Value())
			if !item.Timestamp.Equal(new(metav1.NewTime(readAt))) {
				t.Errorf("%s: the timestamp is %s, not %s when the commits were read", metric, item.Timestamp, readAt)
			}
			if got := item.DescribedObject; got.Kind != "Pod" || got.APIVersion != "v1" || got.Namespace != "default" {
				t.Errorf("%s: describes %+v", metric, got)
			}
			if item.Metric.Name != metric || item.Metric.Selector.MatchLabels["consumergroup"] != "orders" {
				t.Errorf("the metric is %+v", item.Metric)
			}
		}
		if !slices.Equal(values, want) {
			t.Errorf("%s: %v, want %v", metric, values, want)
		}
		if !slices.Equal(names, []string{"consumer-a", "consumer-b", "consumer-c"}) {
			t.Errorf("%s: items of %v", metric, names)
		}
	}
}

func TestSumOverPodsIsTheGroupsLag(t *testing.T) {
	for range 200 {
		var names []string
		for i := range 1 + rand.IntN(300) {
			names = append(names, "pod-"+strconv.Itoa(i))
		}
		lags := make([]int64, 1+rand.IntN(20))
		want := int64(0)
		for i := range lags {
			lags[i] = rand.Int64N(1 << 40)
			want += lags[i]
		}
		p := newProvider()
		p.cfg.Pods = clusterPods(names...)
		p.cfg.Source = fakeSource(func() []*lag.Snapshot {
			return []*lag.Snapshot{{ListedAt: readAt, Groups: []*lag.Group{group("g", topic("t", lags...))}}}
		})
		list, err := askPods(t, p, MetricLag, "consumergroup=g")
		if err != nil {
			t.Fatal(err)
		}
		sum, least, most := int64(0), list.Items[0].Value.Value(), int64(0)
		for _, item := range list.Items {
			v := item.Value.Value()
			sum, least, most = sum+v, min(least, v), max(most, v)
		}
		if sum != want || most-least > 1 || len(list.Items) != len(names) {
			t.Fatalf("%d pods of %d share %d records as %d, between %d and %d", len(list.Items), len(names), want, sum, least, most)
		}
	}
}

func TestObject(t *testing.T) {
	selector := parse(t, "consumergroup=orders,partition>0")
	item, err := newProvider().GetMetricByName(t.Context(), types.NamespacedName{Namespace: "default", Name: "consumer"},
		deploymentMetric(MetricLag), selector)
	if err != nil {
		t.Fatal(err)
	}
	want := custom_metrics.ObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "default", Name: "consumer"}
	if item.DescribedObject != want || item.Value.Value() != 22 || !item.Timestamp.Equal(new(metav1.NewTime(readAt))) {
		t.Errorf("got %+v", item)
	}
	if item.Metric.Selector != nil {
		t.Errorf("a selector that the answer has no words for is %v", item.Metric.Selector)
	}
}

func TestOnePodHasTheTotal(t *testing.T) {
	selector := parse(t, "consumergroup=orders")
	item, err := newProvider().GetMetricByName(t.Context(), types.NamespacedName{Namespace: "default", Name: "consumer-b"},
		podMetric(MetricLag), selector)
	if err != nil {
		t.Fatal(err)
	}
	if item.DescribedObject.Name != "consumer-b" || item.Value.Value() != 42 {
		t.Errorf("got %+v", item)
	}
}

// query is a request as the registry passes it to the provider; name "*" asks by the selector app=consumer.
type query struct {
	namespace, resource, name, metric, selector string
}

func (q query) run(t *testing.T, p *Provider) error {
	t.Helper()
	metricSelector := parse(t, q.selector)
	info := provider.CustomMetricInfo{GroupResource: schema.ParseGroupResource(q.resource), Namespaced: q.namespace != "", Metric: q.metric}
	if q.name == "*" {
		_, err := p.GetMetricBySelector(t.Context(), q.namespace, labels.SelectorFromSet(labels.Set{"app": "consumer"}), info, metricSelector)
		return err
	}
	_, err := p.GetMetricByName(t.Context(), types.NamespacedName{Namespace: q.namespace, Name: q.name}, info, metricSelector)
	return err
}

func TestStatuses(t *testing.T) {
	const orders = "consumergroup=orders"
	for name, c := range map[string]struct {
		query
		code int32
		says []string
	}{
		"pods":                   {query{"default", "pods", "*", MetricLag, orders}, 200, nil},
		"deployment":             {query{"default", "deployments.apps", "consumer", MetricLag, orders}, 200, nil},
		"no such group":          {query{"default", "pods", "*", MetricLag, "consumergroup=oders"}, 404, []string{"consumergroup=oders", "check the name"}},
		"no such topic":          {query{"default", "pods", "*", MetricLag, orders + ",topic=x"}, 404, []string{"no partition matches", "orders"}},
		"no such cluster":        {query{"default", "pods", "*", MetricLag, orders + ",cluster=x"}, 404, []string{"cluster=x"}},
		"no such metric":         {query{"default", "pods", "*", "lag", orders}, 404, []string{"lag", metricNames()}},
		"no such deployment":     {query{"default", "deployments.apps", "consumers", MetricLag, orders}, 404, []string{`"consumers" not found`}},
		"no such pod":            {query{"default", "pods", "consumer-x", MetricLag, orders}, 404, []string{`"consumer-x"`, "terminating or finished"}},
		"no pod":                 {query{"empty", "pods", "*", MetricLag, orders}, 404, []string{`"empty"`, `"app=consumer"`}},
		"not in a namespace":     {query{"", "nodes", "n1", MetricLag, orders}, 404, []string{"only objects in a namespace"}},
		"not bound: pods":        {query{"default", "pods", "*", MetricLag, ""}, 404, []string{`pods in namespace "default"`, "metric.selector.matchLabels.consumergroup"}},
		"not bound: deployment":  {query{"default", "deployments.apps", "consumer", MetricLag, ""}, 404, []string{`deployments.apps "consumer" in namespace "default"`}},
		"not known":              {query{"default", "pods", "*", MetricLag, "consumergroup=lost"}, 503, []string{`consumer group "lost"`, "ListOffsets at broker 2"}},
		"a part not known":       {query{"default", "pods", "*", MetricLag, "topic=orders"}, 503, []string{`"lost"`}},
		"members not known":      {query{"default", "pods", "*", MetricMembers, "consumergroup=billing"}, 503, []string{"the members of", "not allowed"}},
		"partitions not known":   {query{"default", "pods", "*", MetricPartitions, "consumergroup=billing"}, 503, []string{"the members of", "not allowed"}},
		"lag known all the same": {query{"default", "pods", "*", MetricLag, "consumergroup=billing"}, 200, nil},
		"pods not known":         {query{"broken", "pods", "*", MetricLag, orders}, 503, []string{`"broken"`, "not known yet"}},
		"pod not known":          {query{"broken", "pods", "x", MetricLag, orders}, 503, []string{"broken/x", "not known yet"}},
		"deployment not known":   {query{"broken", "deployments.apps", "consumer", MetricLag, orders}, 503, []string{"broken/consumer", "connection refused"}},
		"unknown label":          {query{"default", "pods", "*", MetricLag, "group=orders"}, 400, []string{`"group"`, "consumergroup"}},
		"partition no number":    {query{"default", "pods", "*", MetricLag, orders + ",partition=all"}, 400, []string{`"all"`}},
		"objects by selector":    {query{"default", "deployments.apps", "*", MetricLag, orders}, 200, nil},
		"no object matches":      {query{"empty", "daemonsets.apps", "*", MetricLag, orders}, 404, []string{`"app=consumer"`, "none of namespace"}},
		"objects not bound":      {query{"default", "services", "*", MetricLag, ""}, 404, []string{`no consumer group is bound to services "web"`}},
		"objects not known":      {query{"default", "deployments.apps", "*", MetricLag, "consumergroup=lost"}, 503, []string{`consumer group "lost"`}},
		"objects not listed":     {query{"broken", "deployments.apps", "*", MetricLag, orders}, 503, []string{"connection refused", "list the deployments.apps"}},
		"service":                {query{"default", "services", "web", MetricLag, orders}, 200, nil},
		"topic, all groups":      {query{"default", "kafkatopics.kafka.strimzi.io", "orders-topic", MetricLag, ""}, 503, []string{`"lost"`}},
		"topic, one group":       {query{"default", "kafkatopics.kafka.strimzi.io", "orders-topic", MetricLag, orders}, 200, nil},
		"no such topic object":   {query{"default", "kafkatopics.kafka.strimzi.io", "none", MetricLag, orders}, 404, []string{`"none"`}},
		"bad name":               {query{"default", "deployments.apps", "a%2Fb", MetricLag, orders}, 400, []string{"no name of an object"}},
		"bad namespace":          {query{"De.fault", "pods", "*", MetricLag, orders}, 400, []string{"no name of a namespace"}},
	} {
		t.Run(name, func(t *testing.T) {
			expectStatus(t, c.run(t, newProvider()), c.code, c.says...)
		})
	}
}

func TestTooOldIsUnknown(t *testing.T) {
	p := newProvider()
	p.cfg.Now = func() time.Time { return readAt.Add(maxAge + 700*time.Millisecond) }
	_, err := askPods(t, p, MetricLag, "consumergroup=orders")
	expectStatus(t, err, 503, "last read 1m0.7s ago")
}

func TestNothingCollectedYetIsUnknown(t *testing.T) {
	p := newProvider()
	p.cfg.Source = fakeSource(func() []*lag.Snapshot { return nil })
	_, err := askPods(t, p, MetricLag, "consumergroup=orders")
	expectStatus(t, err, 503, "no collection has ended yet")
}

type fakeBinder func(context.Context, Target) (lag.Selection, error)

func (f fakeBinder) Bind(ctx context.Context, target Target) (lag.Selection, error) {
	return f(ctx, target)
}

func TestBinderDecides(t *testing.T) {
	p := newProvider()
	var asked Target
	p.cfg.Binder = fakeBinder(func(_ context.Context, target Target) (lag.Selection, error) {
		asked = target
		return lag.Selection{Groups: []string{"orders"}}, nil
	})
	list, err := askPods(t, p, MetricLag, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Items) != 3 || list.Items[0].Metric.Selector != nil {
		t.Errorf("got %+v", list.Items)
	}
	if got := someNames(asked.Pods); got != "consumer-a, consumer-b, consumer-c" || asked.Name != "" || len(asked.Snapshots) != 1 {
		t.Errorf("the binder was asked for %+v", asked)
	}
	p.cfg.Binder = fakeBinder(func(context.Context, Target) (lag.Selection, error) {
		return lag.Selection{}, &lag.UnknownError{What: "the members", Reason: errors.New("hung")}
	})
	_, err = askPods(t, p, MetricLag, "")
	expectStatus(t, err, 503, "the members is not known yet: hung")
}

func TestListAllMetrics(t *testing.T) {
	all := newProvider().ListAllMetrics()
	for _, want := range []string{
		"pods/kafka_consumergroup_lag(namespaced)", "deployments.apps/kafka_consumergroup_lag_max(namespaced)",
		"statefulsets.apps/kafka_consumergroup_members(namespaced)", "replicasets.apps/kafka_consumergroup_partitions(namespaced)",
		"namespaces/kafka_consumergroup_lag",
	} {
		if !slices.ContainsFunc(all, func(info provider.CustomMetricInfo) bool { return info.String() == want }) {
			t.Errorf("%s is not listed", want)
		}
	}
	if len(all) != 28 {
		t.Errorf("%d are listed", len(all))
	}
	p := newProvider()
	p.cfg.Pods = nil
	for _, info := range p.ListAllMetrics() {
		if info.GroupResource == podResource() {
			t.Errorf("%s is listed although pods are not known", info)
		}
	}
}

// expectStatus checks that err is the API status of that code, 200 being none, and that its message has the parts.
func expectStatus(t *testing.T, err error, code int32, says ...string) {
	t.Helper()
	if err == nil {
		if code != http.StatusOK {
			t.Errorf("no error, want %d", code)
		}
		return
	}
	status, ok := err.(*apierrors.StatusError) //nolint:errorlint // nor does the server look at what an error wraps
	if !ok || status.Status().Code != code {
		t.Fatalf("%T %v, want status %d", err, err, code)
	}
	for _, part := range says {
		if !strings.Contains(status.Status().Message, part) {
			t.Errorf("%q does not say %q", status.Status().Message, part)
		}
	}
}

// What is asked for is read more often, also if nothing is known of it yet; names that no group has are not.
func TestGroupsThatAreAskedForAreNoted(t *testing.T) {
	for selector, want := range map[string][]string{
		"consumergroup=orders":                 {"orders"},
		"consumergroup=lost":                   {"lost"},
		"consumergroup in (orders,misspelt)":   {"orders"},
		"consumergroup=misspelt":               nil,
		"consumergroup=orders,cluster=another": nil,
	} {
		parsed, err := labels.Parse(selector)
		if err != nil {
			t.Fatal(err)
		}
		p, noted := newProvider(), &asked{}
		p.cfg.Interest = noted
		_, _ = p.GetMetricBySelector(t.Context(), "default", labels.Everything(), provider.CustomMetricInfo{GroupResource: podResource(), Metric: MetricLag}, parsed)
		if !slices.Equal(noted.groups, want) {
			t.Errorf("%s: %q were noted, want %q", selector, noted.groups, want)
		}
	}
}

func TestAgesOfServedValuesAreCounted(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	p := newProvider()
	p.cfg.Ages = NewAges(registry)
	for _, group := range []string{"orders", "lost", "misspelt"} { // only the first is answered with a value
		_, _ = p.GetMetricBySelector(t.Context(), "default", labels.Everything(), provider.CustomMetricInfo{GroupResource: podResource(), Metric: MetricLag},
			labels.SelectorFromSet(labels.Set{"consumergroup": group}))
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if h := families[0].GetMetric()[0].GetHistogram(); h.GetSampleCount() != 1 || h.GetSampleSum() != now.Sub(readAt).Seconds() {
		t.Errorf("%d values of %v s in all, want one of %v s", h.GetSampleCount(), h.GetSampleSum(), now.Sub(readAt).Seconds())
	}
}
