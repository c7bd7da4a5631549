package faults

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/check"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/flood"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/load"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/watch"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/series"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/stack"
)

// The flood: so many clients ask so often, all together. Two slow cores are to hold the brokers, the control plane and the product beside
// them.
const (
	floodClients = 200
	floodRate    = 150 // requests a second
	slowestAsk   = 100 * time.Millisecond
	floodShort   = 20 * time.Second
	floodLong    = 3 * time.Minute
)

func (w *world) floodLasts() time.Duration {
	if w.full {
		return floodLong
	}
	return floodShort
}

// flooded is what was seen of a flood.
type flooded struct {
	quiet, during []time.Duration // how long requests like the HPAs' took, in order
	failed        []error         // of those
	polls         map[string]float64
	answers       flood.Answers
}

// overrun has a tenant, somebody without rights and nobody ask for all that can be asked for, by the aggregation layer and at a replica
// itself, while requests like the HPA controller's are timed.
func overrun(ctx context.Context, w *world, lasts time.Duration) error {
	clients, err := w.crowd(ctx)
	if err != nil {
		return err
	}
	hpa, err := w.hpaClient(ctx)
	if err != nil {
		return err
	}
	seen := &flooded{}
	w.flooded = seen
	before := time.Now()
	quietFrom, err := w.polls(ctx)
	if err != nil {
		return err
	}
	w.asking(hpa, lasts/2, func(took time.Duration, err error) {
		seen.quiet, seen.failed = append(seen.quiet, took), failure(seen.failed, err)
	})
	quiet, from := time.Since(before), time.Now()
	duringFrom, err := w.polls(ctx)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		var err error
		seen.answers, err = flood.Run(ctx, flood.Config{Clients: clients, PerSecond: floodRate, Lasts: lasts}, filepath.Join(w.Dir, "flood"))
		done <- err
	}()
	w.asking(hpa, lasts, func(took time.Duration, err error) {
		seen.during, seen.failed = append(seen.during, took), failure(seen.failed, err)
	})
	during := time.Since(from)
	duringTo, err := w.polls(ctx)
	seen.polls = map[string]float64{}
	for lane := range duringTo {
		seen.polls[lane+" before"] = (duringFrom[lane] - quietFrom[lane]) / quiet.Seconds()
		seen.polls[lane+" during"] = (duringTo[lane] - duringFrom[lane]) / during.Seconds()
	}
	return errors.Join(err, <-done)
}

func failure(all []error, err error) []error {
	if err == nil {
		return all
	}
	return append(all, err)
}

// asking asks for what the HPAs ask for, one after the other and ten times a second, as their controller.
func (w *world) asking(client kubernetes.Interface, lasts time.Duration, took func(time.Duration, error)) {
	subjects := w.targets().Subjects
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for began, i := time.Now(), 0; time.Since(began) < lasts; i++ {
		at := time.Now()
		_, err := watch.Ask(context.Background(), client, load.Namespace, load.Metric, subjects[i%len(subjects)])
		took(time.Since(at), err)
		<-tick.C
	}
}

// polls counts the polls that both replicas have made, by lane.
func (w *world) polls(ctx context.Context) (map[string]float64, error) {
	counts := map[string]float64{}
	for _, a := range w.replicas.All {
		body, err := fetch(ctx, a.WebURL+"/metrics")
		if err != nil {
			return nil, err
		}
		now, err := series.Parse(string(body))
		if err != nil {
			return nil, err
		}
		for name, value := range now {
			if text := string(name); strings.HasPrefix(text, "kafka_lag_collector_poll_duration_seconds_count") {
				counts[text] += value
			}
		}
	}
	return counts, nil
}

// hpaClient has the rights of the HPA controller, and its name.
func (w *world) hpaClient(ctx context.Context) (kubernetes.Interface, error) {
	path, err := w.ControlPlane.KubeconfigFor(ctx, "kube-system", "horizontal-pod-autoscaler")
	if err != nil {
		return nil, err
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	return kubernetes.NewForConfig(config)
}

// crowd are the clients of the flood.
func (w *world) crowd(ctx context.Context) ([]flood.Client, error) {
	ways, err := w.ways()
	if err != nil {
		return nil, err
	}
	tokens := map[string]string{"nobody": ""}
	for _, name := range []string{"tenant", "stranger"} {
		if tokens[name], err = w.account(ctx, name, name == "tenant"); err != nil {
			return nil, err
		}
	}
	paths := w.askedFor()
	var clients []flood.Client
	for i := range floodClients {
		name := "tenant"
		if i%4 == 3 {
			name = []string{"stranger", "nobody"}[i/4%2]
		}
		clients = append(clients, flood.Client{Name: name, Way: ways[i%2], Token: tokens[name], Once: i%16 >= 14, Paths: paths})
	}
	return clients, nil
}

// ways lead to the metrics API.
func (w *world) ways() ([]flood.Way, error) {
	api, err := os.ReadFile(w.ControlPlane.ClientCAFile())
	if err != nil {
		return nil, err
	}
	one := w.replicas.All[0]
	own, err := os.ReadFile(one.CA)
	return []flood.Way{
		{Name: "aggregated", URL: w.ControlPlane.URL(), CA: api},
		{Name: "straight", URL: one.URL, ServerName: stack.Name + "." + stack.Namespace + ".svc", CA: own},
	}, err
}

// account makes a service account in a namespace of its own, and returns its token. With rights it may read all metrics.
func (w *world) account(ctx context.Context, name string, rights bool) (string, error) {
	client := w.ControlPlane.Client
	meta := metav1.ObjectMeta{Name: name}
	steps := []func() error{
		func() error { return w.ControlPlane.CreateServiceNamespace(ctx, name) },
		func() error {
			_, err := client.CoreV1().ServiceAccounts(name).Create(ctx, &corev1.ServiceAccount{ObjectMeta: meta}, metav1.CreateOptions{})
			return err
		},
	}
	if rights {
		groups := []string{"custom.metrics.k8s.io", "external.metrics.k8s.io"}
		steps = append(steps, func() error {
			_, err := client.RbacV1().ClusterRoles().Create(ctx, &rbacv1.ClusterRole{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{
				{APIGroups: groups, Resources: []string{"*"}, Verbs: []string{"get", "list"}},
			}}, metav1.CreateOptions{})
			return err
		}, func() error {
			_, err := client.RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
				ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
				Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: name, Name: name}},
			}, metav1.CreateOptions{})
			return err
		})
	}
	for _, step := range steps {
		if err := step(); err != nil && !apierrors.IsAlreadyExists(err) { // the row may run twice
			return "", fmt.Errorf("making the account %s: %w", name, err)
		}
	}
	token, err := client.CoreV1().ServiceAccounts(name).CreateToken(ctx, name, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		return "", err
	}
	return token.Status.Token, nil
}

// askedFor is what the flood asks for: what there is, what there is not, and selectors of many terms and of a megabyte.
func (w *world) askedFor() []flood.Path {
	var paths []flood.Path
	for _, s := range w.targets().Subjects {
		path, query := watch.Request(load.Namespace, load.Metric, s)
		paths = append(paths, flood.Path{Name: "values", Path: path + "?" + query.Encode()})
	}
	external := "/apis/external.metrics.k8s.io/v1beta1/namespaces/" + load.Namespace + "/" + load.Metric + "?labelSelector="
	pods := "/apis/custom.metrics.k8s.io/v1beta2/namespaces/" + load.Namespace + "/pods/*/" + load.Metric + "?labelSelector=app%3Dpods-0&metricLabelSelector="
	for i := range 10 {
		paths = append(paths, flood.Path{Name: "what is not", Path: fmt.Sprintf("%sconsumergroup%%3Dno-such-%d", external, i)})
	}
	terms := make([]string, 10_000)
	for i := range terms {
		terms[i] = fmt.Sprintf("l%d%%3Dx", i)
	}
	long := "consumergroup+in+(" + strings.Join(terms[:1500], ",") + ")"
	return append(paths,
		flood.Path{Name: "everything", Path: external},
		flood.Path{Name: "1,500 terms", Path: external + strings.ReplaceAll(long, "%3D", "-")},
		flood.Path{Name: "10,000 terms", Path: pods + strings.Join(terms, ",")},
		flood.Path{Name: "10,000 terms", Path: external + strings.Join(terms, ",")},
		flood.Path{Name: "1 MB", Path: external + strings.Repeat("x", 1<<20)},
	)
}

// hpasKept wants requests like the HPAs' to be answered, and soon; everybody else to be answered by what there is to say, or refused; and
// Kafka to be asked no more often than without a flood.
func hpasKept(t *testing.T, w *world, _ watched, _ check.Report) {
	t.Helper()
	seen := w.flooded
	for _, err := range seen.failed {
		t.Errorf("a request like the HPAs': %v", err)
	}
	quiet, during := quantile(seen.quiet), quantile(seen.during)
	w.note(24, fmt.Sprintf("p99 of HPAs' own requests %d ms, %d ms without it", during.Milliseconds(), quiet.Milliseconds()))
	t.Logf("p99 of %d requests like the HPAs': %s; without a flood, of %d: %s", len(seen.during), during, len(seen.quiet), quiet)
	if quiet > slowestAsk {
		t.Errorf("p99 of requests like the HPAs' is %s without a flood: this machine is too busy to say what a flood does", quiet)
	} else if during > slowestAsk {
		t.Errorf("p99 of requests like the HPAs' is %s during the flood, more than %s", during, slowestAsk)
	}
	for _, lane := range slices.Sorted(maps.Keys(seen.polls)) {
		t.Logf("polls a second: %s: %.2f", lane, seen.polls[lane])
		if before, ok := strings.CutSuffix(lane, " during"); ok && seen.polls[lane] > 1.2*seen.polls[before+" before"]+0.5 {
			t.Errorf("%s: %.2f polls a second during the flood, %.2f before it", before, seen.polls[lane], seen.polls[before+" before"])
		}
	}
	total := 0
	for _, what := range slices.Sorted(maps.Keys(seen.answers)) {
		t.Logf("%s: %v", what, seen.answers[what])
		for result, n := range seen.answers[what] {
			total += n
			if !slices.Contains(expected(what), result) {
				t.Errorf("%s: %d times %s", what, n, result)
			}
		}
	}
	if least := int(floodRate * w.floodLasts().Seconds() / 4); total < least {
		t.Errorf("a flood of only %d requests, less than %d", total, least)
	}
}

// expected are the right answers. 431 and a refusal of the client's own library are for headers of a megabyte.
func expected(what string) []string {
	const tooLarge = "http2: request header list larger than peer's advertised limit"
	switch {
	case strings.HasSuffix(what, "1 MB"):
		return []string{"400", "401", "403", "414", "429", "431", tooLarge}
	case strings.HasSuffix(what, "10,000 terms"):
		return []string{"400", "401", "403", "429"}
	case !strings.HasPrefix(what, "tenant"):
		return []string{"401", "403", "429", "400"}
	case strings.HasSuffix(what, "values"):
		return []string{"200", "429", "503"}
	}
	return []string{"400", "404", "429"}
}

// quantile is the 99th of a hundred.
func quantile(took []time.Duration) time.Duration {
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[len(took)*99/100]
}
