package adapter

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/rest"
	emv1beta1 "k8s.io/metrics/pkg/apis/external_metrics/v1beta1"
	emclient "k8s.io/metrics/pkg/client/external_metrics"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

const external = "/apis/external.metrics.k8s.io/v1beta1"

// askExternal returns the values of the items by cluster and group.
func askExternal(t *testing.T, p *Provider, namespace, metric, selector string) (map[string]int64, error) {
	t.Helper()
	list, err := p.GetExternalMetric(t.Context(), namespace, parse(t, selector), provider.ExternalMetricInfo{Metric: metric})
	if err != nil {
		return nil, err
	}
	values := map[string]int64{}
	for _, item := range list.Items {
		if item.MetricName != metric || !item.Timestamp.Equal(new(metav1.NewTime(readAt))) || len(item.MetricLabels) != 2 {
			t.Errorf("the item is %+v", item)
		}
		values[item.MetricLabels["cluster"]+"/"+item.MetricLabels["consumergroup"]] = item.Value.Value()
	}
	if len(values) != len(list.Items) {
		t.Errorf("%d items of %d groups", len(list.Items), len(values))
	}
	return values, nil
}

func TestExternalHasAnItemForEachGroup(t *testing.T) {
	for _, c := range []struct {
		namespace, metric, selector string
		want                        map[string]int64
	}{
		{"default", MetricLag, "consumergroup=orders", map[string]int64{"main/orders": 42}},
		{"default", MetricLag, "consumergroup in (orders,billing)", map[string]int64{"main/billing": 5, "main/orders": 42}},
		{"default", MetricLag, "consumergroup in (orders,misspelt)", map[string]int64{"main/orders": 42}},
		{"default", MetricLag, "consumergroup!=lost", map[string]int64{"main/billing": 5, "main/orders": 42}},
		{"default", MetricLag, "consumergroup!=lost,topic=invoices", map[string]int64{"main/billing": 5}},
		{"default", MetricLag, "consumergroup=orders,partition>1,cluster=main", map[string]int64{"main/orders": 7}},
		{"default", MetricLag, "topic=invoices", map[string]int64{"main/billing": 5}},
		{"default", MetricMembers, "consumergroup=orders", map[string]int64{"main/orders": 3}},
		{"default", MetricPartitions, "consumergroup=orders", map[string]int64{"main/orders": 4}},
		{"default", MetricLagMax, "consumergroup in (orders,billing)", map[string]int64{"main/orders": 20}},
		{"granted", MetricLag, "", map[string]int64{"main/billing": 5, "main/orders": 42}},
		{"granted", MetricLag, "topic=invoices", map[string]int64{"main/billing": 5}},
		{"granted", MetricLagMax, "consumergroup!=orders", map[string]int64{"main/billing": 5}},
		{"prefixed", MetricLag, "", map[string]int64{"main/orders": 42}},
		{"prefixed", MetricLag, "consumergroup=billing", map[string]int64{"main/billing": 5}},
	} {
		got, err := askExternal(t, newProvider(), c.namespace, c.metric, c.selector)
		if err != nil || !maps.Equal(got, c.want) {
			t.Errorf("%s %s %s: %v, %v; want %v", c.namespace, c.metric, c.selector, got, err, c.want)
		}
	}
}

func TestExternalStatuses(t *testing.T) {
	for name, c := range map[string]struct {
		namespace, metric, selector string
		code                        int32
		says                        []string
	}{
		"nothing bound":        {"default", MetricLag, "", 404, []string{`no consumer group is bound to namespace "default"`, "matchLabels.consumergroup", "setting namespaces"}},
		"no such group":        {"default", MetricLag, "consumergroup=oders", 404, []string{"consumergroup=oders", "check the name", "--isolate-namespaces"}},
		"no such cluster":      {"default", MetricLag, "consumergroup=orders,cluster=x", 404, []string{"cluster=x"}},
		"no such topic":        {"default", MetricLag, "consumergroup=orders,topic=x", 404, []string{"no partition matches"}},
		"none granted matches": {"prefixed", MetricLag, "topic=invoices", 404, []string{`topic=invoices among the groups granted to namespace "prefixed"`}},
		"contradiction":        {"granted", MetricLag, "consumergroup!=orders,consumergroup!=billing", 404, []string{"no consumer group matches"}},
		"no such metric":       {"default", "lag", "consumergroup=orders", 404, []string{metricNames()}},
		"one is not known":     {"default", MetricLag, "topic=orders", 503, []string{`consumer group "lost"`, "ListOffsets at broker 2"}},
		"one of two not known": {"default", MetricLagMax, "consumergroup in (orders,lost)", 503, []string{`consumer group "lost"`}},
		"members not known":    {"default", MetricMembers, "consumergroup in (orders,billing)", 503, []string{`the members of consumer group "billing"`}},
		"unknown label":        {"default", MetricLag, "group=orders", 400, []string{`"group"`, "consumergroup"}},
		"bad namespace":        {"De.fault", MetricLag, "consumergroup=orders", 400, []string{"no name of a namespace"}},
	} {
		t.Run(name, func(t *testing.T) {
			values, err := askExternal(t, newProvider(), c.namespace, c.metric, c.selector)
			if len(values) > 0 {
				t.Errorf("values %v", values)
			}
			expectStatus(t, err, c.code, c.says...)
		})
	}
}

// What the group that was read first had not, a later one may have: the largest lag is as old as the oldest reading.
func TestExternalMaximumIsAsOldAsTheOldest(t *testing.T) {
	p, old := newProvider(), readAt.Add(-30*time.Second)
	registry := prometheus.NewPedanticRegistry()
	p.cfg.Ages = NewAges(registry)
	p.cfg.Source = fakeSource(func() []*lag.Snapshot {
		small := group("small", topic("t", 1))
		small.ReadAt, small.Topics[0].ReadAt = old, old
		return []*lag.Snapshot{{Cluster: "main", ListedAt: readAt, Groups: []*lag.Group{group("large", topic("t", 9)), small}}}
	})
	for metric, want := range map[string][]time.Time{MetricLagMax: {old}, MetricLag: {readAt, old}} {
		list, err := p.GetExternalMetric(t.Context(), "default", parse(t, "topic=t"), provider.ExternalMetricInfo{Metric: metric})
		if err != nil {
			t.Fatal(err)
		}
		var times []time.Time
		for _, item := range list.Items {
			times = append(times, item.Timestamp.Time)
		}
		if !slices.Equal(times, want) {
			t.Errorf("%s: read at %s, want %s", metric, times, want)
		}
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if h := families[0].GetMetric()[0].GetHistogram(); h.GetSampleCount() != 2 || h.GetSampleSum() != 2*now.Sub(old).Seconds() {
		t.Errorf("%d values of %v s in all", h.GetSampleCount(), h.GetSampleSum())
	}
}

func TestExternalGroupsThatAreAskedForAreNoted(t *testing.T) {
	p, noted := newProvider(), &asked{}
	p.cfg.Interest = noted
	for _, selector := range []string{"consumergroup in (lost,misspelt)", ""} {
		if _, err := askExternal(t, p, "granted", MetricLag, selector); err != nil {
			var status interface{ Status() metav1.Status }
			if !errors.As(err, &status) {
				t.Error(err)
			}
		}
	}
	if want := []string{"lost", "billing", "orders"}; !slices.Equal(noted.groups, want) {
		t.Errorf("%q were noted, want %q", noted.groups, want)
	}
}

func TestExternalRawRequests(t *testing.T) {
	rig := newRig(t)
	hpa := rig.clients.issue(hpaUser).Leaf
	const metric = "/namespaces/default/kafka_consumergroup_lag"
	for name, c := range map[string]struct {
		target string
		code   int
		says   string
	}{
		"a group":             {metric + "?labelSelector=consumergroup%3Dorders", 200, `"metricLabels":{"cluster":"main","consumergroup":"orders"}`},
		"two groups":          {metric + "?labelSelector=consumergroup+in+(orders,billing)", 200, `"value":"5"`},
		"what is granted":     {"/namespaces/granted/kafka_consumergroup_lag?labelSelector=topic%3Dorders", 200, `"value":"42"`},
		"no selector":         {metric, 404, "setting namespaces"},
		"empty selector":      {metric + "?labelSelector=", 404, "setting namespaces"},
		"no group":            {metric + "?labelSelector=consumergroup%3Doders", 404, "consumergroup=oders"},
		"not known":           {metric + "?labelSelector=consumergroup%3Dlost", 503, "ListOffsets at broker 2"},
		"bad selector":        {metric + "?labelSelector=consumergroup%3D%3D%3D", 400, "labelSelector"},
		"broken escape":       {metric + "?labelSelector=%ZZ", 400, "does not decode"},
		"selector twice":      {metric + "?labelSelector=topic&labelSelector=topic", 400, "2 times"},
		"unknown label":       {metric + "?labelSelector=group%3Dorders", 400, "consumergroup"},
		"long selector":       {metric + "?labelSelector=consumergroup+in+(" + strings.Repeat("a,", 5000) + "a)", 400, "more than 8192 bytes"},
		"unknown metric":      {"/namespaces/default/lag?labelSelector=consumergroup%3Dorders", 404, "kafka_consumergroup_lag_max"},
		"all metrics":         {"/namespaces/default/*?labelSelector=consumergroup%3Dorders", 404, "kafka_consumergroup_lag_max"},
		"all namespaces":      {"/namespaces/*/kafka_consumergroup_lag?labelSelector=consumergroup%3Dorders", 400, "no name of a namespace"},
		"bad namespace":       {"/namespaces/De.fault/kafka_consumergroup_lag", 400, "no name of a namespace"},
		"slash in the metric": {"/namespaces/default/a%2Fb", 404, "could not find the requested resource"},
		"dots":                {"/namespaces/default/..%2f..", 404, "could not find the requested resource"},
		"subpath":             {metric + "/x", 404, "could not find the requested resource"},
		"no namespace":        {"/kafka_consumergroup_lag", 404, "could not find the requested resource"},
		"watch":               {metric + "?watch=true", 405, "watch"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := rig.get(hpa, http.MethodGet, external+c.target)
			if answer.Code != c.code || !strings.Contains(answer.Body.String(), c.says) {
				t.Errorf("got %d %s, want %d with %q", answer.Code, answer.Body, c.code, c.says)
			}
			if answer.Code != http.StatusOK {
				expectStatusBody(t, answer)
			}
		})
	}
}

// TestExternalClient asks with the client of the HorizontalPodAutoscaler's controller, over the network.
func TestExternalClient(t *testing.T) {
	rig := newRig(t)
	stop := rig.start(t)
	certFile, keyFile := keyPair(t, rig.clients.issue(hpaUser))
	client, err := emclient.NewForConfig(&rest.Config{Host: rig.url(""), TLSClientConfig: rest.TLSClientConfig{
		CAFile: rig.serving.file(), CertFile: certFile, KeyFile: keyFile,
	}})
	if err != nil {
		t.Fatal(err)
	}
	metrics := client.NamespacedMetrics("granted")
	for selector, want := range map[string]string{"": "billing 5, orders 42", "consumergroup=orders": "orders 42"} {
		list, err := metrics.List(MetricLag, parse(t, selector))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, item := range list.Items {
			got = append(got, fmt.Sprintf("%s %s", item.MetricLabels["consumergroup"], item.Value.String()))
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%q: %q, want %q", selector, got, want)
		}
	}
	_, err = metrics.List(MetricLag, labels.SelectorFromSet(labels.Set{"consumergroup": "oders"}))
	expectStatus(t, err, 404, "consumergroup=oders")
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestExternalDiscovery(t *testing.T) {
	rig := newRig(t)
	hpa := rig.clients.issue(hpaUser).Leaf
	var group metav1.APIGroup
	decode(t, rig.get(hpa, http.MethodGet, "/apis/external.metrics.k8s.io"), &group)
	if group.Name != emv1beta1.GroupName || group.PreferredVersion.Version != "v1beta1" || len(group.Versions) != 1 {
		t.Errorf("the group is %+v", group)
	}
	var list metav1.APIResourceList
	decode(t, rig.get(hpa, http.MethodGet, external), &list)
	if len(list.APIResources) != 4 || list.APIResources[0].Name != MetricLag || !list.APIResources[0].Namespaced {
		t.Errorf("it lists %+v", list.APIResources)
	}
	var groups metav1.APIGroupList
	decode(t, rig.get(hpa, http.MethodGet, "/apis"), &groups)
	if len(groups.Groups) != 2 || len(groups.Groups[0].Versions) != 2 {
		t.Errorf("the groups are %+v", groups)
	}
}

func TestExternalIsOffUnlessAskedFor(t *testing.T) {
	if NewOptions().ExternalMetrics {
		t.Error("it is on by default")
	}
	rig := newRig(t, func(o *Options) { o.ExternalMetrics = false })
	hpa := rig.clients.issue(hpaUser).Leaf
	for _, target := range []string{external, "/apis/external.metrics.k8s.io", external + "/namespaces/default/kafka_consumergroup_lag"} {
		answer := rig.get(hpa, http.MethodGet, target)
		if answer.Code != http.StatusNotFound || !strings.Contains(answer.Body.String(), "nothing is served at") {
			t.Errorf("%s: %d %s", target, answer.Code, answer.Body)
		}
	}
	var groups metav1.APIGroupList
	decode(t, rig.get(hpa, http.MethodGet, "/apis"), &groups)
	if len(groups.Groups) != 1 {
		t.Errorf("the groups are %+v", groups)
	}
}
