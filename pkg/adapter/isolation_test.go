package adapter

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"pgregory.net/rapid"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/tenants"
)

// Two tenants: default was granted some groups, and mallory others. Neither was granted those that begin with "hidden".
func twoTenants() tenants.Grants {
	return tenants.Grants{
		"default": {Names: []string{"orders", "billing", "granted-but-absent"}, Patterns: []*regexp.Regexp{regexp.MustCompile("^(?:l.*t)$")}},
		"mallory": {Prefixes: []string{"mallory."}},
	}
}

// world is the fixture with mallory's group, and with groups that nobody was granted, if it has any: one that is known, one of
// which nothing is known, one with members on the pods of default, and one that was not collected.
func world(hidden bool) fakeSource {
	s := fixture()[0]
	own := group("mallory.own", topic("orders", 3))
	s.Groups = append(s.Groups, own)
	own.MembersReadAt, s.Groups[1].MembersReadAt = readAt, readAt
	for i, m := range s.Groups[2].Members {
		s.Groups[2].Members[i].ClientID = map[string]string{"a": "consumer-a", "b": "consumer-b"}[m.ID]
	}
	if hidden {
		known, pods := group("hidden-known", topic("orders", 1000), topic("hidden-topic", 7)), group("hidden-pods", topic("orders", 100))
		pods.MembersReadAt = readAt
		pods.Members = []lag.Member{{ID: "h", ClientID: "consumer-a", Assigned: []lag.TopicPartitions{{Topic: "orders", Partitions: []int32{0}}}}}
		unknown := group("hidden-unknown", fixture()[0].Groups[1].Topics...)
		s.Groups = append(s.Groups, known, pods, unknown)
		s.Topics = []*lag.Topic{{Name: "hidden-topic"}}
		s.Uncollected = []lag.UncollectedGroup{{Name: "hidden-uncollected"}}
	}
	slices.SortFunc(s.Groups, func(a, b *lag.Group) int { return strings.Compare(a.Name, b.Name) })
	return func() []*lag.Snapshot { return []*lag.Snapshot{s} }
}

// plain is the source of an Isolated.
type plain struct{ fakeSource }

func (p plain) Snapshots() []*lag.Snapshot { return p.fakeSource() }

// isolated is a rig with isolated namespaces in that world, and what it was told to read more often.
func isolated(t testing.TB, world fakeSource) (*rig, *asked) {
	r, noted := newRig(t), &asked{}
	r.provider.cfg.Source = tenants.NewIsolated(plain{world}, twoTenants())
	pods := clusterPods("consumer-a", "consumer-b")
	pods.exists = func(_, name string) (bool, error) { return name == "consumer-a" || name == "consumer-b", nil } // in every namespace
	pods.list = func(_ string, selector labels.Selector) ([]lag.Pod, error) {
		return clusterPods("consumer-a", "consumer-b").List("default", selector)
	}
	r.provider.cfg.Pods = pods
	r.provider.cfg.Binder = NamespaceBinder{Grants: twoTenants(), Others: &ObjectBinder{
		Pods: pods, All: plain{world}, Membership: true, MaxAge: maxAge, Now: func() time.Time { return now },
		Annotations: fakeAnnotations{objects: map[string]map[string]string{"annotated": {AnnotationGroup: "hidden-known,hidden-unknown,hidden-uncollected"}}},
	}}
	r.provider.cfg.Interest = noted
	return r, noted
}

// sameAnswer compares answers to the last byte, but for what every answer has of its own.
func sameAnswer(a, b *httptest.ResponseRecorder) bool {
	own := func(h http.Header) http.Header {
		h = h.Clone()
		for _, name := range []string{"Audit-Id", "Date"} {
			h.Del(name)
		}
		return h
	}
	return a.Code == b.Code && a.Body.String() == b.Body.String() &&
		maps.EqualFunc(own(a.Header()), own(b.Header()), func(x, y []string) bool { return slices.Equal(x, y) })
}

// worlds are two clusters that one server is asked about in turn, of which one has groups that nobody was granted.
type worlds struct {
	rig           *rig
	noted         *asked
	hpa           *x509.Certificate
	latest        []*lag.Snapshot
	with, without []*lag.Snapshot
}

func newWorlds(t testing.TB) *worlds {
	w := &worlds{with: world(true)(), without: world(false)()}
	w.rig, w.noted = isolated(t, func() []*lag.Snapshot { return w.latest })
	w.hpa = w.rig.clients.issue(hpaUser).Leaf
	return w
}

// ask asks about one of the clusters.
func (w *worlds) ask(cluster []*lag.Snapshot, target string) (answer *httptest.ResponseRecorder, noted []string) {
	w.latest = cluster
	return w.rig.get(w.hpa, http.MethodGet, target), w.noted.take()
}

// compare checks that the answer does not tell which cluster it is about, nor what is asked for that is to be read more often; and
// that of two names of the same length, one of which a hidden group has, neither is answered in another way than the other.
func (w *worlds) compare(t interface{ Errorf(string, ...any) }, target string) (code int) {
	a, askedWith := w.ask(w.with, target)
	b, askedWithout := w.ask(w.without, target)
	if !sameAnswer(a, b) {
		t.Errorf("%s\nwith hidden groups:    %d %v %s\nwithout hidden groups: %d %v %s", target, a.Code, a.Header(), a.Body, b.Code, b.Header(), b.Body)
	}
	if !slices.Equal(askedWith, askedWithout) {
		t.Errorf("%s: %q are read more often with hidden groups, and %q without", target, askedWith, askedWithout)
	}
	if strings.Contains(target, "hidden-knowm") {
		return a.Code
	}
	c, _ := w.ask(w.with, strings.ReplaceAll(target, "hidden-known", "hidden-knowm"))
	c.Body = bytes.NewBufferString(strings.ReplaceAll(c.Body.String(), "hidden-knowm", "hidden-known"))
	if !sameAnswer(a, c) {
		t.Errorf("%s\nhidden: %d %s\nabsent: %d %s", target, a.Code, a.Body, c.Code, c.Body)
	}
	return a.Code
}

// FuzzIsolation compares the answers to any request.
func FuzzIsolation(f *testing.F) {
	for _, seed := range isolationSeeds() {
		f.Add(seed[0], seed[1])
	}
	w := newWorlds(f)
	f.Fuzz(func(t *testing.T, path, query string) {
		target := (&url.URL{Path: "/apis/" + path, RawQuery: query}).RequestURI()
		request, err := http.NewRequest(http.MethodGet, "https://127.0.0.1"+target, http.NoBody) //nolint:noctx // it is never sent
		if err != nil || request.URL.Query().Has("timeout") || strings.HasPrefix(path, "/") {
			return // what sets a deadline may be cut off at it
		}
		w.compare(t, target)
	})
}

// TestIsolationOfRandomRequests compares the answers to requests that mean something, most of them.
func TestIsolationOfRandomRequests(t *testing.T) {
	w := newWorlds(t)
	codes := map[int]int{}
	rapid.Check(t, func(t *rapid.T) {
		among := func(label string, words ...string) string { return rapid.SampledFrom(words).Draw(t, label) }
		names := func() string {
			all := []string{"orders", "billing", "lost", "granted-but-absent", "mallory.own", "hidden-known", "hidden-unknown", "hidden-pods", "hidden-uncollected", "hidden-topic", "main", "0", "1"}
			return strings.Join(rapid.SliceOfNDistinct(rapid.SampledFrom(all), 1, 4, rapid.ID[string]).Draw(t, "names"), ",")
		}
		var requirements []string
		for range rapid.IntRange(0, 3).Draw(t, "requirements") {
			key := among("key", "consumergroup", "consumergroup", "consumergroup", "topic", "topic", "partition", "cluster", "hidden-known")
			one, _, _ := strings.Cut(names(), ",")
			requirements = append(requirements, among("requirement", key, "!"+key, key+"="+one, key+"!="+one, key+" in ("+names()+")", key+" notin ("+names()+")", key+">0"))
		}
		selector := url.QueryEscape(strings.Join(requirements, ","))
		metric := among("metric", MetricLag, MetricLagMax, MetricMembers, MetricPartitions, "hidden-known")
		namespace := among("namespace", "default", "mallory", "elsewhere", "hidden-known", "*")
		if rapid.Bool().Draw(t, "external") {
			codes[w.compare(t, external+"/namespaces/"+namespace+"/"+metric+"?labelSelector="+selector)]++
			return
		}
		object := among("object", "pods/*", "pods/consumer-a", "pods/hidden-known", "deployments.apps/consumer", "deployments.apps/*", "services/hidden-known", "metrics",
			"kafkatopics.kafka.strimzi.io/hidden-topic", "namespaces/mallory")
		labelSelector := among("label selector", "", "&labelSelector=app%3Dconsumer", "&labelSelector=hidden-known")
		codes[w.compare(t, among("version", v1beta1, v1beta2)+"/namespaces/"+namespace+"/"+object+"/"+metric+"?metricLabelSelector="+selector+labelSelector)]++
	})
	t.Logf("answers by status: %v", codes)
	for _, code := range []int{200, 400, 404, 503} {
		if codes[code] == 0 {
			t.Errorf("none of the answers is %d: %v", code, codes)
		}
	}
}

// isolationSeeds are the requests with all kinds of selectors on each path, for each namespace.
func isolationSeeds() (seeds [][2]string) {
	selectors := []string{
		"", "consumergroup=hidden-known", "consumergroup=hidden-unknown", "consumergroup=hidden-uncollected", "consumergroup in (hidden-known,orders)",
		"consumergroup in (hidden-pods,mallory.own)", "consumergroup notin (orders)", "consumergroup!=lost,topic=orders", "consumergroup", "!consumergroup",
		"topic=hidden-topic", "topic=orders", "topic", "partition>0", "cluster=main", "cluster!=main", "consumergroup=mallory.own", "consumergroup=orders",
		"consumergroup=granted-but-absent", "consumergroup=orders,topic=hidden-topic", "hidden-known", "consumergroup=hidden-known,topic", "consumergroup=hidden-known=",
	}
	for _, selector := range selectors {
		custom, external := "metricLabelSelector="+url.QueryEscape(selector), "labelSelector="+url.QueryEscape(selector)
		for _, namespace := range []string{"default", "mallory", "elsewhere"} {
			for _, path := range []string{"pods/*/kafka_consumergroup_lag", "pods/consumer-a/kafka_consumergroup_members", "metrics/kafka_consumergroup_partitions",
				"deployments.apps/consumer/kafka_consumergroup_lag_max", "deployments.apps/annotated/kafka_consumergroup_lag", "services/annotated/kafka_consumergroup_lag",
				"kafkatopics.kafka.strimzi.io/orders-topic/kafka_consumergroup_lag", "deployments.apps/*/kafka_consumergroup_lag", "pods/hidden-known/kafka_consumergroup_lag"} {
				seeds = append(seeds, [2]string{"custom.metrics.k8s.io/v1beta2/namespaces/" + namespace + "/" + path, custom})
			}
			seeds = append(seeds, [2]string{"external.metrics.k8s.io/v1beta1/namespaces/" + namespace + "/kafka_consumergroup_lag", external},
				[2]string{"external.metrics.k8s.io/v1beta1/namespaces/" + namespace + "/kafka_consumergroup_lag_max", external})
		}
	}
	return append(seeds, [2]string{"custom.metrics.k8s.io/v1beta1", ""}, [2]string{"external.metrics.k8s.io", ""}, [2]string{"", ""},
		[2]string{"custom.metrics.k8s.io/v1beta1/namespaces/*/metrics/kafka_consumergroup_lag", "metricLabelSelector=consumergroup%3Dhidden-known"})
}

// TestIsolationHidesNothingElse shows that the answers that FuzzIsolation compares are not all the same error.
func TestIsolationHidesNothingElse(t *testing.T) {
	rig, noted := isolated(t, world(true))
	hpa := rig.clients.issue(hpaUser).Leaf
	for _, c := range []struct {
		target string
		code   int
		says   string
	}{
		{external + "/namespaces/default/kafka_consumergroup_lag?labelSelector=consumergroup%3Dorders", 200, `"value":"42"`},
		{external + "/namespaces/default/kafka_consumergroup_lag?labelSelector=consumergroup%3Dlost", 503, "ListOffsets"},
		{external + "/namespaces/mallory/kafka_consumergroup_lag?labelSelector=consumergroup%3Dorders", 404, "--isolate-namespaces"},
		{external + "/namespaces/mallory/kafka_consumergroup_lag?labelSelector=topic%3Dorders", 200, `"value":"3"`},
		{external + "/namespaces/mallory/kafka_consumergroup_lag", 200, `"mallory.own"`},
		{external + "/namespaces/elsewhere/kafka_consumergroup_lag?labelSelector=topic%3Dorders", 404, "no consumer group matches"},
		{v1beta1 + "/namespaces/default/pods/*/kafka_consumergroup_lag?labelSelector=app%3Dconsumer", 200, `"value":"35"`},
		{v1beta1 + "/namespaces/default/deployments.apps/consumer/kafka_consumergroup_lag", 200, `"value":"42"`},
		{v1beta1 + "/namespaces/mallory/deployments.apps/consumer/kafka_consumergroup_lag", 404, "no consumer group has a member"},
		{v1beta1 + "/namespaces/default/deployments.apps/annotated/kafka_consumergroup_lag", 404, "no consumer group matches the annotations"},
		{v1beta1 + "/namespaces/mallory/metrics/kafka_consumergroup_lag", 200, `"value":"3"`},
		{v1beta1 + "/namespaces/default/deployments.apps/consumer/kafka_consumergroup_lag?metricLabelSelector=consumergroup,topic%3Dinvoices", 200, `"value":"5"`},
		{v1beta1 + "/namespaces/default/pods/*/kafka_consumergroup_lag?labelSelector=app%3Dconsumer&metricLabelSelector=consumergroup+in+(orders,hidden-known)", 200, `"value":"35"`},
	} {
		if answer := rig.get(hpa, http.MethodGet, c.target); answer.Code != c.code || !strings.Contains(answer.Body.String(), c.says) {
			t.Errorf("%s: %d %s, want %d with %q", c.target, answer.Code, answer.Body, c.code, c.says)
		}
	}
	if got := noted.take(); slices.ContainsFunc(got, func(name string) bool { return strings.HasPrefix(name, "hidden") }) || len(got) == 0 {
		t.Errorf("%q are read more often", got)
	}
}

// TestRequestsDoNotWaitForOneAnother has 200 requests meet halfway: were there a lock around their work, or were there few workers,
// they would never be that many.
func TestRequestsDoNotWaitForOneAnother(t *testing.T) {
	const many = 200
	var here sync.WaitGroup
	here.Add(many)
	all := make(chan struct{})
	go func() { here.Wait(); close(all) }()
	deadline := time.NewTimer(requestTimeout)
	defer deadline.Stop()
	snapshots := world(true)()
	rig, _ := isolated(t, func() []*lag.Snapshot {
		here.Done()
		select {
		case <-all:
		case <-deadline.C:
		}
		return snapshots
	})
	hpa := rig.clients.issue(hpaUser).Leaf
	targets := []string{
		v1beta2 + "/namespaces/default/pods/*/kafka_consumergroup_lag?labelSelector=app%3Dconsumer&metricLabelSelector=consumergroup%3Dorders",
		v1beta2 + "/namespaces/default/deployments.apps/consumer/kafka_consumergroup_lag?metricLabelSelector=consumergroup%3Dorders",
		v1beta1 + "/namespaces/default/metrics/kafka_consumergroup_lag?metricLabelSelector=consumergroup%3Dorders",
		external + "/namespaces/default/kafka_consumergroup_lag?labelSelector=consumergroup%3Dorders",
	}
	var requests sync.WaitGroup
	for i := range many {
		requests.Go(func() {
			if answer := rig.get(hpa, http.MethodGet, targets[i%len(targets)]); answer.Code != http.StatusOK {
				t.Errorf("%s: %d %s", targets[i%len(targets)], answer.Code, answer.Body)
			}
		})
	}
	requests.Wait()
}

// amongMany returns a function that asks, in a namespace with few of 20,000 groups, for the lag of a group of that name.
func amongMany(tb testing.TB) (ask func(group string)) {
	s := fixture()[0]
	for i := range 20_000 {
		s.Groups = append(s.Groups, group(fmt.Sprintf("team-%05d", i), topic("orders", 1)))
	}
	slices.SortFunc(s.Groups, func(a, b *lag.Group) int { return strings.Compare(a.Name, b.Name) })
	p := newProvider()
	p.cfg.Source = tenants.NewIsolated(plain{func() []*lag.Snapshot { return []*lag.Snapshot{s} }}, twoTenants())
	p.cfg.Interest = nobody{}
	return func(group string) {
		selector := labels.SelectorFromSet(labels.Set{"consumergroup": group})
		_, err := p.GetExternalMetric(context.Background(), "default", selector, provider.ExternalMetricInfo{Metric: MetricLag})
		if !apierrors.IsNotFound(err) {
			tb.Errorf("%s: %v", group, err)
		}
	}
}

type nobody struct{}

func (nobody) Ask([]string) {}

// That a group is hidden must not show in how long it takes to say that there is none: the work is the same.
func TestHiddenCostsWhatAbsentDoes(t *testing.T) {
	ask := amongMany(t)
	hidden, absent := leastAllocations("team-10000", ask), leastAllocations("team-1000x", ask)
	if hidden != absent {
		t.Errorf("%v allocations for a group that is hidden, %v for one that does not exist", hidden, absent)
	}
}

// leastAllocations is what asking for a group allocates when every sync.Pool on the way has something to give: under the race
// detector pools drop things at random, and the garbage collector empties them at any time.
func leastAllocations(group string, ask func(group string)) float64 {
	least := math.Inf(1)
	for range 200 {
		least = min(least, testing.AllocsPerRun(1, func() { ask(group) }))
	}
	return least
}

// BenchmarkHidden asks in turn for a group that exists and was not granted, and for one that does not exist, and reports how many
// times longer the former takes.
func BenchmarkHidden(b *testing.B) {
	ask := amongMany(b)
	var hidden, absent time.Duration
	for b.Loop() {
		start := time.Now()
		ask("team-10000")
		middle := time.Now()
		ask("team-1000x")
		hidden, absent = hidden+middle.Sub(start), absent+time.Since(middle)
	}
	b.ReportMetric(float64(hidden)/float64(absent), "hidden/absent")
}
