package metricsapi

import (
	"fmt"
	"log/slog"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/apiserver"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/adapter"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/kube"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/tenants"
)

// size is how large a group is, and what else there is on the cluster.
type size struct{ pods, partitions, otherGroups, otherMembers int }

// BenchmarkPodsRequest answers a Pods request and encodes the answer, as the API does for an HPA. The metric "x-encoding" is the
// ratio of the CPU time of both to that of encoding alone, and "µs-own-cpu/op" the difference.
func BenchmarkPodsRequest(b *testing.B) {
	for _, c := range []struct {
		name, selector string
		size           size
	}{
		{"selector/1000-pods", "consumergroup=orders", size{1000, 1000, 0, 0}},
		{"membership/1000-pods", "", size{1000, 1000, 0, 0}},
		{"membership/1000-pods/10k-members-elsewhere", "", size{1000, 1000, 1000, 10}},
		{"membership/1000-pods/100k-members-elsewhere", "", size{1000, 1000, 10_000, 10}},
		{"membership/10-pods/100k-members-elsewhere", "", size{10, 100, 10_000, 10}},
	} {
		b.Run(c.name, func(b *testing.B) { c.size.run(b, c.selector) })
	}
}

func (s size) run(b *testing.B, selector string) {
	snapshots := []*lag.Snapshot{s.snapshot()}
	pods := s.cluster(b)
	p := adapter.NewProvider(adapter.ProviderConfig{
		Source: tenants.Open{Source: source(snapshots)}, Interest: nobody{}, MaxAge: time.Hour, Pods: pods,
		Binder: &adapter.ObjectBinder{Annotations: kube.NewAnnotations(pods, nil), Pods: pods, All: source(snapshots), Membership: true, MaxAge: time.Hour},
	})
	metricSelector, err := labels.Parse(selector)
	if err != nil {
		b.Fatal(err)
	}
	consumers := labels.SelectorFromSet(labels.Set{"app": "consumer"})
	info := provider.CustomMetricInfo{GroupResource: schema.GroupResource{Resource: "pods"}, Namespaced: true, Metric: adapter.MetricLag}
	codec := apiserver.Codecs.LegacyCodec(schema.GroupVersion{Group: "custom.metrics.k8s.io", Version: "v1beta2"})
	request := func() {
		list, err := p.GetMetricBySelector(b.Context(), "default", consumers, info, metricSelector)
		if err != nil || len(list.Items) != s.pods {
			b.Fatal(list, err)
		}
		if _, err := runtime.Encode(codec, list); err != nil {
			b.Fatal(err)
		}
	}
	list, err := p.GetMetricBySelector(b.Context(), "default", consumers, info, metricSelector)
	if err != nil {
		b.Fatal(err)
	}
	encode := func() {
		if _, err := runtime.Encode(codec, list); err != nil {
			b.Fatal(err)
		}
	}
	encode()
	const encodings = 200
	begun := cpuTime(b)
	for range encodings {
		encode()
	}
	encoding := float64(cpuTime(b)-begun) / encodings
	begun = cpuTime(b)
	for b.Loop() {
		request()
	}
	each := float64(cpuTime(b)-begun) / float64(b.N)
	b.ReportMetric(each/encoding, "x-encoding")
	b.ReportMetric((each-encoding)/1e3, "µs-own-cpu/op")
}

// cpuTime is what the process used so far. Other processes do not count, unlike in the time that the benchmark takes.
func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// snapshot has the group orders, with a member on each pod, and groups whose members run elsewhere.
func (s size) snapshot() *lag.Snapshot {
	now := time.Now()
	orders := &lag.Group{Name: "orders", ReadAt: now, MembersReadAt: now, Topics: []lag.TopicLag{{Topic: "orders", ReadAt: now}}}
	for i := range s.pods {
		orders.Members = append(orders.Members, lag.Member{ClientHost: "/" + address(i), ClientID: fmt.Sprintf("consumer-orders-%d", i)})
	}
	for i := range s.partitions {
		orders.Topics[0].Partitions = append(orders.Topics[0].Partitions, lag.PartitionLag{Partition: int32(i), Lag: int64(i)})
		m := &orders.Members[i%s.pods]
		if m.Assigned == nil {
			m.Assigned = []lag.TopicPartitions{{Topic: "orders"}}
		}
		m.Assigned[0].Partitions = append(m.Assigned[0].Partitions, int32(i))
	}
	groups := []*lag.Group{}
	for i := range s.otherGroups {
		g := &lag.Group{Name: fmt.Sprintf("group-%05d", i), ReadAt: now, MembersReadAt: now}
		for j := range s.otherMembers {
			g.Members = append(g.Members, lag.Member{ClientHost: fmt.Sprintf("/10.%d.%d.%d", 100+i>>8, i&255, j), ClientID: fmt.Sprintf("consumer-%s-%d", g.Name, j)})
		}
		groups = append(groups, g)
	}
	return &lag.Snapshot{Cluster: "main", ListedAt: now, Groups: append(groups, orders)}
}

// cluster is the pods, known.
func (s size) cluster(b *testing.B) *kube.Pods {
	var objects []runtime.Object
	for i := range s.pods {
		objects = append(objects, &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: fmt.Sprintf("orders-consumer-7d9f8b6c4d-%05d", i), Labels: map[string]string{"app": "consumer"}},
			Status:     corev1.PodStatus{Phase: corev1.PodRunning, PodIPs: []corev1.PodIP{{IP: address(i)}}},
		})
	}
	pods := kube.NewPods(fake.NewClientset(objects...), slog.New(slog.DiscardHandler))
	go func() { _ = pods.Run(b.Context()) }()
	for tick := time.NewTicker(time.Millisecond); !pods.Synced(); {
		<-tick.C
	}
	return pods
}

func address(i int) string { return fmt.Sprintf("10.0.%d.%d", i>>8, i&255) }

type source []*lag.Snapshot

func (s source) Snapshots() []*lag.Snapshot { return s }

type nobody struct{}

func (nobody) Ask([]string) {}
