package exporter

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

func everyDialect(groups func(cluster, group string) bool) []Option {
	var options []Option
	for _, d := range Dialects() {
		options = append(options, With(d, groups))
	}
	return options
}

// assigned is observe, with members that have partitions: of group "billing", "a" has two, "b" has none, and nobody has the third. The
// poll took 250 ms.
func assigned(cluster string, at time.Time) *lag.Observation {
	obs := observe(cluster, at)
	obs.EndedAt = at.Add(250 * time.Millisecond)
	g := &obs.Groups[0]
	g.ProtocolType, g.Protocol, g.Coordinator = "consumer", "range", 2
	subscribed := []string{"orders"}
	g.Members = []lag.Member{
		{ID: "app-1-uuid", ClientID: "app-1", ClientHost: "/10.1.2.3", Subscribed: subscribed,
			Assigned: []lag.TopicPartitions{{Topic: "orders", Partitions: []int32{2, 0}}}},
		{ID: "app-2-uuid", ClientID: "app-2", ClientHost: "/10.1.2.4", Subscribed: subscribed},
	}
	obs.Groups[1].ProtocolType = "consumer"
	return obs
}

// renamed gives series of kafka_exporter the name and labels of another dialect.
type renamed struct {
	dialect, ours string
	labels        map[model.LabelName]model.LabelName // theirs by ours
	drop          []model.LabelName                   // theirs, which ours lacks
}

func renamings() []renamed {
	var all []renamed
	add := func(drop []model.LabelName, labels map[model.LabelName]model.LabelName, names ...[2]string) {
		for _, n := range names {
			all = append(all, renamed{n[0], n[1], labels, drop})
		}
	}
	const lagOf, lagSum, offset, offsetSum, members = "kafka_consumergroup_lag", "kafka_consumergroup_lag_sum", "kafka_consumergroup_current_offset",
		"kafka_consumergroup_current_offset_sum", "kafka_consumergroup_members"
	const end, start = "kafka_topic_partition_current_offset", "kafka_topic_partition_oldest_offset"
	add(nil, map[model.LabelName]model.LabelName{"consumergroup": "group_id", "topic": "topic_name", "partition": "partition_id"},
		[2]string{"kminion_kafka_consumer_group_topic_partition_lag", lagOf}, [2]string{"kminion_kafka_consumer_group_topic_lag", lagSum},
		[2]string{"kminion_kafka_consumer_group_topic_offset_sum", offsetSum}, [2]string{"kminion_kafka_consumer_group_members", members},
		[2]string{"kminion_kafka_topic_partition_high_water_mark", end}, [2]string{"kminion_kafka_topic_partition_low_water_mark", start})
	add([]model.LabelName{"cluster_name", "member_host", "consumer_id", "client_id"}, map[model.LabelName]model.LabelName{"consumergroup": "group"},
		[2]string{"kafka_consumergroup_group_lag", lagOf}, [2]string{"kafka_consumergroup_group_offset", offset},
		[2]string{"kafka_consumergroup_group_topic_sum_lag", lagSum},
		[2]string{"kafka_partition_latest_offset", end}, [2]string{"kafka_partition_earliest_offset", start})
	add([]model.LabelName{"cluster"}, map[model.LabelName]model.LabelName{"consumergroup": "consumer_group"},
		[2]string{"burrow_kafka_consumer_partition_lag", lagOf}, [2]string{"burrow_kafka_consumer_current_offset", offset},
		[2]string{"burrow_kafka_topic_partition_offset", end})
	return all
}

// series returns the values of a family, by its labels once they were changed.
func series(families map[string]map[string]model.Metric, samples map[string]float64, family string, change func(model.Metric)) map[string]float64 {
	out := map[string]float64{}
	for name, metric := range families[family] {
		m := metric.Clone()
		delete(m, model.MetricNameLabel)
		change(m)
		out[m.String()] = samples[name]
	}
	return out
}

// TestDialectsAgree holds in good and in bad times that what other dialects say is what kafka_exporter's says: a value that is absent in
// one is so in all.
func TestDialectsAgree(t *testing.T) {
	failures := map[string]func(*lag.Observation){
		"nothing fails": func(*lag.Observation) {},
		"an end": func(o *lag.Observation) {
			o.Topics[1].Ends.Values[1], o.Topics[1].Ends.Others = lag.NoOffset, []lag.OtherOffset{{Index: 1, Err: errDown}}
		},
		"the commits of a group": func(o *lag.Observation) {
			o.Groups[0].CommitsErr, o.Groups[0].CommitsReadAt, o.Groups[0].Commits = errDown, time.Time{}, nil
		},
		"the members of a group": func(o *lag.Observation) {
			o.Groups[0].MembersErr, o.Groups[0].MembersReadAt, o.Groups[0].Members = errDown, time.Time{}, nil
		},
		"everything": func(o *lag.Observation) {
			*o = lag.Observation{Cluster: o.Cluster, StartedAt: o.StartedAt, MetadataErr: errDown, ListingErr: errDown}
		},
	}
	for name, fail := range failures {
		t.Run(name, func(t *testing.T) {
			second := assigned("east", t0.Add(30*time.Second))
			fail(second)
			h, s := newHandlerWith(everyDialect(nil), prometheus.NewRegistry(), &bytes.Buffer{}, compute(assigned("east", t0), second))
			for _, age := range []time.Duration{40 * time.Second, 70 * time.Second, 100 * time.Second} {
				s.setClock(t0.Add(age))
				samples, families := metrics(t, get(t, h).Body.Bytes())
				for _, r := range renamings() {
					ours := series(families, samples, r.ours, func(m model.Metric) {
						for from, to := range r.labels {
							if v, ok := m[from]; ok {
								delete(m, from)
								m[to] = v
							}
						}
					})
					theirs := series(families, samples, r.dialect, func(m model.Metric) {
						for _, l := range r.drop {
							delete(m, l)
						}
					})
					if !maps.Equal(ours, theirs) {
						t.Errorf("after %s, %s is\n%v\nwhile %s is\n%v", age, r.dialect, theirs, r.ours, ours)
					}
				}
			}
		})
	}
}

// metrics parses a response into samples, and into the labels of each by family.
func metrics(t *testing.T, body []byte) (map[string]float64, map[string]map[string]model.Metric) {
	t.Helper()
	samples, parsed := parse(t, body)
	families := map[string]map[string]model.Metric{}
	for name, f := range parsed {
		families[name] = map[string]model.Metric{}
		for _, m := range f.Metric {
			metric := model.Metric{model.MetricNameLabel: model.LabelValue(name)}
			for _, l := range m.Label {
				metric[model.LabelName(l.GetName())] = model.LabelValue(l.GetValue())
			}
			families[name][metric.String()] = metric
		}
	}
	return samples, families
}

// TestTotalsOfDialects tells the sums of whole groups and topics, which kafka_exporter has not, in good and in bad times.
func TestTotalsOfDialects(t *testing.T) {
	const group = `{cluster_name="east", group="billing"}`
	totals := []string{"kafka_consumergroup_group_max_lag" + group, "kafka_consumergroup_group_sum_lag" + group,
		`burrow_kafka_consumer_lag_total{cluster="east", consumer_group="billing"}`, `kminion_kafka_topic_high_water_mark_sum{topic_name="orders"}`,
		`kminion_kafka_topic_low_water_mark_sum{topic_name="orders"}`}
	second := assigned("east", t0.Add(30*time.Second))
	second.Topics[1].Ends.Values[1], second.Topics[1].Ends.Others = lag.NoOffset, []lag.OtherOffset{{Index: 1, Err: errDown}}
	second.Groups[0].Commits[0].Partitions[1].Offset = 40 // a lag of at least 10, on a partition whose end is not known
	h, s := newHandlerWith(everyDialect(nil), prometheus.NewRegistry(), &bytes.Buffer{}, compute(assigned("east", t0), second))
	wants := map[time.Duration][]float64{40 * time.Second: {42, 42, 42, 157, 10}, 70 * time.Second: {-1, -1, -1, -1, 10}, 100 * time.Second: {-1, -1, -1, -1, -1}}
	for _, age := range slices.Sorted(maps.Keys(wants)) {
		want := wants[age]
		s.setClock(t0.Add(age))
		samples, _ := parse(t, get(t, h).Body.Bytes())
		for i, name := range totals {
			got, ok := samples[name]
			if ok != (want[i] >= 0) || ok && got != want[i] {
				t.Errorf("after %s, %s is %v (there: %t), want %v (-1: absent)", age, name, got, ok, want[i])
			}
		}
		if _, ok := samples[`kminion_kafka_topic_high_water_mark_sum{topic_name="idle"}`]; ok {
			t.Error("a topic of which nothing is known has a sum")
		}
	}
}

// TestMembersTooOldTellNothing: once the members are too old, the lag stays, without them.
func TestMembersTooOldTellNothing(t *testing.T) {
	second := assigned("east", t0.Add(50*time.Second))
	second.Groups[0].MembersErr, second.Groups[0].MembersReadAt, second.Groups[0].Members = errDown, time.Time{}, nil
	h, s := newHandlerWith(everyDialect(nil), prometheus.NewRegistry(), &bytes.Buffer{}, compute(assigned("east", t0), second))
	const labels = `{client_id=%q, cluster_name="east", consumer_id=%q, group="billing", member_host=%q, partition="0", topic="orders"}`
	wants := map[time.Duration]string{55 * time.Second: fmt.Sprintf(labels, "app-1", "app-1-uuid", "/10.1.2.3"),
		65 * time.Second: fmt.Sprintf(labels, "unknown", "unknown", "unknown")}
	for _, age := range slices.Sorted(maps.Keys(wants)) {
		want := wants[age]
		s.setClock(t0.Add(age))
		samples, families := parse(t, get(t, h).Body.Bytes())
		if got := samples["kafka_consumergroup_group_lag"+want]; got != 42 {
			t.Errorf("after %s: no lag at %s, only %v", age, want, slices.Collect(maps.Keys(samples)))
		}
		if members := families["kminion_kafka_consumer_group_topic_members"] != nil; members != (age < time.Minute) {
			t.Errorf("after %s, members are told: %t", age, members)
		}
	}
}

func TestDialectOfSomeGroups(t *testing.T) {
	only := func(cluster, group string) bool { return cluster == "west" && group == "billing" }
	h, _ := newHandlerWith(everyDialect(only), prometheus.NewRegistry(), &bytes.Buffer{}, compute(assigned("east", t0)), compute(assigned("west", t0)))
	seen := map[string]int{}
	for line := range strings.Lines(get(t, h).Body.String()) {
		for _, label := range []string{`group_id="`, `,group="`, `consumer_group="`} {
			if !strings.HasPrefix(line, "#") && strings.Contains(line, label) {
				seen[label]++
				if !strings.Contains(line, label+"billing") || !strings.Contains(line, `="west"`) {
					t.Errorf("told of another group: %s", line)
				}
			}
		}
	}
	if len(seen) != 3 {
		t.Errorf("labels seen: %v", seen)
	}
	samples, _ := parse(t, get(t, h).Body.Bytes())
	if samples[`kafka_consumergroup_lag{cluster="east", consumergroup="billing", partition="0", topic="orders"}`] != 42 {
		t.Error("what is chosen for other dialects changed kafka_exporter's")
	}
}

// TestSharedPartitionHasNoOwner: of a share group, several members read one partition, whose lag must not be told twice.
func TestSharedPartitionHasNoOwner(t *testing.T) {
	obs := assigned("east", t0)
	g := &obs.Groups[0]
	g.Members[0].Assigned = []lag.TopicPartitions{{Topic: "gone", Partitions: []int32{9}}, {Topic: "orders", Partitions: []int32{2, 0, 1 << 30, -5}}}
	g.Members[1].Assigned = []lag.TopicPartitions{{Topic: "orders", Partitions: []int32{0}}}
	g.Members = append(g.Members, lag.Member{ID: "c", Subscribed: []string{"orders"}, Assigned: []lag.TopicPartitions{{Topic: "orders", Partitions: []int32{0, 1}}}})
	h, _ := newHandlerWith(everyDialect(nil), prometheus.NewRegistry(), &bytes.Buffer{}, compute(obs))
	_, families := metrics(t, get(t, h).Body.Bytes())
	owners := map[model.LabelValue]model.LabelValue{}
	for _, m := range families["kafka_consumergroup_group_lag"] {
		if m["group"] == "billing" {
			owners[m["partition"]] += m["consumer_id"]
		}
	}
	if want := (map[model.LabelValue]model.LabelValue{"0": "unknown", "1": "c", "2": "app-1-uuid"}); !maps.Equal(owners, want) {
		t.Errorf("owners %v, want %v", owners, want)
	}
}
