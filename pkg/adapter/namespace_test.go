package adapter

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/metrics/pkg/apis/custom_metrics"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

func askNamespace(t *testing.T, namespace, metric, selector string) (*custom_metrics.MetricValue, error) {
	t.Helper()
	info := provider.CustomMetricInfo{GroupResource: namespaceResource(), Metric: metric}
	return newProvider().GetMetricByName(t.Context(), types.NamespacedName{Name: namespace}, info, parse(t, selector))
}

func TestNamespace(t *testing.T) {
	for _, c := range []struct {
		namespace, metric, selector string
		want                        int64
	}{
		{"granted", MetricLag, "", 47},
		{"granted", MetricLagMax, "", 20},
		{"prefixed", MetricMembers, "", 3},
		{"granted", MetricLag, "topic=orders", 42},
		{"granted", MetricLag, "consumergroup!=orders", 5},
		{"prefixed", MetricLag, "consumergroup notin (billing),partition>0", 22},
		{"prefixed", MetricLag, "consumergroup=billing", 5}, // a group that is named need not be granted
		{"default", MetricLag, "consumergroup=orders", 42},
		{"default", MetricLag, "topic=invoices", 5},
	} {
		item, err := askNamespace(t, c.namespace, c.metric, c.selector)
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		object := custom_metrics.ObjectReference{APIVersion: "v1", Kind: "Namespace", Name: c.namespace}
		if item.Value.Value() != c.want || item.DescribedObject != object || !item.Timestamp.Equal(new(metav1.NewTime(readAt))) || item.Metric.Name != c.metric {
			t.Errorf("%+v: %+v", c, item)
		}
	}
}

func TestNamespaceStatuses(t *testing.T) {
	for name, c := range map[string]struct {
		namespace, metric, selector string
		code                        int32
		says                        []string
	}{
		"nothing bound":        {"default", MetricLag, "", 404, []string{`no consumer group is bound to namespace "default"`, "setting namespaces"}},
		"none granted matches": {"prefixed", MetricLag, "topic=invoices", 404, []string{`topic=invoices among the groups granted to namespace "prefixed"`}},
		"members not known":    {"granted", MetricMembers, "", 503, []string{`the members of consumer group "billing"`}},
		"no such metric":       {"granted", "lag", "", 404, []string{metricNames()}},
		"unknown label":        {"granted", MetricLag, "group=x", 400, []string{"consumergroup"}},
		"bad name":             {"De.fault", MetricLag, "", 400, []string{"no name of a namespace"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := askNamespace(t, c.namespace, c.metric, c.selector)
			expectStatus(t, err, c.code, c.says...)
		})
	}
}

// A selection among bound groups is never wider than either, also where nothing is left of the names.
func TestAmong(t *testing.T) {
	begins := func(with string) func(string) bool { return func(name string) bool { return name[:1] == with } }
	for name, c := range map[string]struct {
		selected, bound lag.Selection
		groups, matches []string
	}{
		"names":             {lag.Selection{}, lag.Selection{Groups: []string{"a", "b"}}, []string{"a", "b"}, []string{"a", "b"}},
		"narrowed names":    {lag.Selection{Group: begins("a")}, lag.Selection{Groups: []string{"a", "b"}}, []string{"a"}, []string{"a"}},
		"no name left":      {lag.Selection{Group: begins("c")}, lag.Selection{Groups: []string{"a", "b"}}, nil, nil},
		"pattern":           {lag.Selection{}, lag.Selection{Group: begins("b")}, nil, []string{"b", "bc"}},
		"narrowed pattern":  {lag.Selection{Group: func(name string) bool { return len(name) > 1 }}, lag.Selection{Group: begins("b")}, nil, []string{"bc"}},
		"names and pattern": {lag.Selection{}, lag.Selection{Groups: []string{"a", "b"}, Group: begins("b")}, []string{"b"}, []string{"b"}},
	} {
		got := among(c.selected, c.bound)
		matches := slices.DeleteFunc([]string{"a", "b", "bc", "c"}, func(name string) bool { return !got.Group(name) })
		if !slices.Equal(got.Groups, c.groups) || !slices.Equal(matches, c.matches) {
			t.Errorf("%s: names %q and matches %q, want %q and %q", name, got.Groups, matches, c.groups, c.matches)
		}
	}
}
