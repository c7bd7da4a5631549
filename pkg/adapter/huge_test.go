package adapter

import (
	"net/http"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// most is the largest lag: what comes to more is not answered, as the HPA counts in thousandths and would wrap.
const most = int64(1) << 53

// asThousandths is a value as the HPA controller takes it.
func asThousandths(t *testing.T, quantity resource.Quantity) int64 {
	t.Helper()
	text, err := quantity.MarshalJSON() // and over the wire
	if err != nil {
		t.Fatal(err)
	}
	var received resource.Quantity
	if err := received.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	return received.MilliValue()
}

// huge is a provider for groups of two partitions each, read from brokers whose logs end there; both have committed 0.
func huge(ends map[string][2]int64) *Provider {
	p := newProvider()
	obs := &lag.Observation{Cluster: "main", StartedAt: readAt, MetadataReadAt: readAt}
	for _, name := range []string{"billing", "orders"} { // in order
		ends, ok := ends[name]
		if !ok {
			continue
		}
		column := lag.NewOffsets(lag.Offset{Value: ends[0], ReadAt: readAt}, lag.Offset{Value: ends[1], ReadAt: readAt})
		start := lag.NewOffsets(lag.Offset{ReadAt: readAt}, lag.Offset{ReadAt: readAt})
		obs.Topics = append(obs.Topics, lag.Topic{Name: name, Partitions: []lag.Partition{{Partition: 0, Leader: 1}, {Partition: 1, Leader: 1}}, Starts: start, Ends: column})
		obs.Groups = append(obs.Groups, lag.GroupObservation{
			Name: name, Type: lag.GroupClassic, CommitsReadAt: readAt, MembersReadAt: readAt,
			Commits: []lag.TopicCommits{{Topic: name, Partitions: []lag.Commit{{Partition: 0}, {Partition: 1}}}},
		})
	}
	s := lag.Compute(nil, obs, nil)
	p.cfg.Source = fakeSource(func() []*lag.Snapshot { return []*lag.Snapshot{s} })
	return p
}

// The largest lag is answered as it is, to whoever adds its parts up in thousandths; one more is an error, of one partition, of a sum of
// partitions, and of a sum of groups.
func TestRow25HugeLagIsAnError(t *testing.T) {
	for name, tc := range map[string]struct {
		ends   map[string][2]int64
		metric string
		groups string // selector
		want   int64  // 0: an error
	}{
		"the largest":                {map[string][2]int64{"orders": {most, 0}}, MetricLag, "consumergroup=orders", most},
		"the largest of two":         {map[string][2]int64{"orders": {most - 7, 7}}, MetricLag, "consumergroup=orders", most},
		"one more":                   {map[string][2]int64{"orders": {most + 1, 0}}, MetricLag, "consumergroup=orders", 0},
		"9.3e15":                     {map[string][2]int64{"orders": {9_300_000_000_000_000, 0}}, MetricLag, "consumergroup=orders", 0},
		"all that is":                {map[string][2]int64{"orders": {1<<63 - 1, 1<<63 - 1}}, MetricLag, "consumergroup=orders", 0},
		"the maximum of it":          {map[string][2]int64{"orders": {1<<63 - 1, 0}}, MetricLagMax, "consumergroup=orders", 0},
		"two partitions":             {map[string][2]int64{"orders": {most, 1}}, MetricLag, "consumergroup=orders", 0},
		"the other partition of one": {map[string][2]int64{"orders": {1<<63 - 1, 3}}, MetricLag, "consumergroup=orders,partition=1", 3},
		"two groups":                 {map[string][2]int64{"orders": {most, 0}, "billing": {1, 0}}, MetricLag, "consumergroup in (billing,orders)", 0},
		"the largest of two groups":  {map[string][2]int64{"orders": {most - 1, 0}, "billing": {1, 0}}, MetricLag, "consumergroup in (billing,orders)", most},
		"another group":              {map[string][2]int64{"orders": {1<<63 - 1, 0}, "billing": {1, 0}}, MetricLag, "consumergroup=billing", 1},
	} {
		t.Run(name, func(t *testing.T) {
			p := huge(tc.ends)
			for surface, ask := range map[string]func() ([]resource.Quantity, error){
				"pods": func() (values []resource.Quantity, err error) {
					list, err := askPods(t, p, tc.metric, tc.groups)
					if err == nil {
						for _, item := range list.Items {
							values = append(values, item.Value)
						}
					}
					return values, err
				},
				"object": func() ([]resource.Quantity, error) {
					value, err := p.GetMetricByName(t.Context(), types.NamespacedName{Namespace: "default", Name: "consumer"}, deploymentMetric(tc.metric), parse(t, tc.groups))
					if err != nil {
						return nil, err
					}
					return []resource.Quantity{value.Value}, nil
				},
				"external": func() (values []resource.Quantity, err error) {
					list, err := p.GetExternalMetric(t.Context(), "default", parse(t, tc.groups), provider.ExternalMetricInfo{Metric: tc.metric})
					if err == nil {
						for _, item := range list.Items {
							values = append(values, item.Value)
						}
					}
					return values, err
				},
			} {
				values, err := ask()
				if tc.want == 0 {
					if len(values) > 0 || err == nil {
						t.Errorf("%s: %v", surface, values)
					}
					expectStatus(t, err, http.StatusServiceUnavailable)
					continue
				}
				total := int64(0)
				for _, value := range values {
					total += asThousandths(t, value)
				}
				if err != nil || total != 1000*tc.want {
					t.Errorf("%s: %v in thousandths, %v; want %d", surface, total, err, 1000*tc.want)
				}
			}
		})
	}
}
