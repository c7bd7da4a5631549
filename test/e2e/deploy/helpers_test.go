package deploy

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/controlplane"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/workload"
)

func kubectl(ctx context.Context, t *testing.T, args ...string) string {
	t.Helper()
	out, err := shared.ControlPlane.Kubectl(ctx, args...)
	suite.Try(t, err)
	return out
}

// makeLag makes the example's topic, and its group with its lag.
func makeLag(ctx context.Context, kafka workload.Kafka) error {
	if err := kafka.CreateTopic(ctx, orders, 3); err != nil {
		return err
	}
	if err := kafka.Commit(ctx, orders, orders, map[int32]int64{0: 0, 1: 0, 2: 0}); err != nil {
		return err
	}
	return kafka.Produce(ctx, orders, lag)
}

// applyConsumer applies the example's Deployment and HPA, which stay.
func applyConsumer(ctx context.Context, t *testing.T) {
	t.Helper()
	for _, file := range []string{"consumer.yaml", "hpa-pods.yaml"} {
		kubectl(ctx, t, "apply", "-f", filepath.Join(shared.Layout.Manifests(), "examples", file))
	}
}

func replicas(ctx context.Context, t *testing.T) int32 {
	t.Helper()
	deployment, err := shared.ControlPlane.Client.AppsV1().Deployments("default").Get(ctx, consumer, metav1.GetOptions{})
	suite.Try(t, err)
	return *deployment.Spec.Replicas
}

func awaitReplicas(ctx context.Context, t *testing.T, n int32) {
	t.Helper()
	suite.Try(t, await.Until(ctx, fmt.Sprintf("%d replicas", n), func(ctx context.Context) error {
		deployment, err := shared.ControlPlane.Client.AppsV1().Deployments("default").Get(ctx, consumer, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if *deployment.Spec.Replicas != n || deployment.Status.ReadyReplicas != n {
			return fmt.Errorf("%d, %d of them ready", *deployment.Spec.Replicas, deployment.Status.ReadyReplicas)
		}
		return nil
	}))
}

// syncs are the HPA's requests for metrics since a time: each is one of its syncs, of which there is one in every second here.
func syncs(t *testing.T, since time.Time) (all int, failed []string) {
	t.Helper()
	events, err := shared.ControlPlane.Audit(controlplane.HPAController, 0)
	suite.Try(t, err)
	for _, event := range events {
		if event.ReceivedAt.Before(since) || !strings.HasPrefix(event.RequestURI, "/apis/custom.metrics.k8s.io/") || !strings.Contains(event.RequestURI, "/namespaces/") {
			continue
		}
		all++
		if code := event.ResponseStatus.Code; code != http.StatusOK {
			failed = append(failed, fmt.Sprintf("%s: %d %s", event.ReceivedAt.Format(time.StampMilli), code, event.ResponseStatus.Message))
		}
	}
	return all, failed
}

// hpaHolds does something under load, and waits until it is well over. At most one sync of the HPA may have failed by then, and the replicas
// stay.
func hpaHolds(ctx context.Context, t *testing.T, do func()) {
	t.Helper()
	began := time.Now()
	stopLoad := startLoad(ctx)
	do()
	const after = 5 // syncs, from the end of it on
	done := time.Now()
	suite.Try(t, await.Until(ctx, "the HPA to go on", func(context.Context) error {
		if n, _ := syncs(t, done); n < after {
			return fmt.Errorf("%d syncs of %d", n, after)
		}
		return nil
	}))
	all, failed := syncs(t, began)
	asked, refused := stopLoad()
	t.Logf("%d of %d syncs failed: %q; of the load, %d of %d requests: %q", len(failed), all, failed, len(refused), asked, refused)
	if len(failed) > 0 { // the audit log has no reasons of an aggregated API
		t.Log(kubectl(ctx, t, "get", "events", "--field-selector=involvedObject.name="+consumer+",type=Warning", "-o", "custom-columns=AT:.lastTimestamp,N:.count,WHY:.message"))
	}
	if asked == 0 || len(refused) > asked/10 { // those under way in a crash fail
		t.Errorf("of %d requests of the load, %d failed", asked, len(refused))
	}
	if len(failed) > 1 {
		t.Errorf("%d of %d syncs failed, at most 1 may: %q", len(failed), all, failed)
	}
	if got := replicas(ctx, t); got != scaled {
		t.Errorf("%d replicas, want them to stay %d", got, scaled)
	}
}

// startLoad asks for the metric as fifty HPAs would that sync every second, until the function that it returns is called. That tells how often
// it has asked, and what went wrong.
func startLoad(ctx context.Context) func() (asked int, failed []string) {
	const workers, pause = 5, 100 * time.Millisecond
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	var mu sync.Mutex
	var asked int
	var failed []string
	for range workers {
		running.Go(func() {
			tick := time.NewTicker(pause)
			defer tick.Stop()
			for {
				err := shared.ControlPlane.Client.CoreV1().RESTClient().Get().
					AbsPath("/apis/custom.metrics.k8s.io/v1beta2/namespaces/default/deployments.apps/consumer/kafka_consumergroup_lag").
					Param("metricLabelSelector", "consumergroup=orders").Do(ctx).Error()
				if ctx.Err() != nil {
					return
				}
				mu.Lock()
				asked++
				if err != nil {
					failed = append(failed, time.Now().Format(time.StampMilli)+": "+err.Error())
				}
				mu.Unlock()
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
				}
			}
		})
	}
	return func() (int, []string) {
		cancel()
		running.Wait()
		return asked, failed
	}
}

// checkRights: the adapter was never refused anything, and used what it may do.
func checkRights(t *testing.T) {
	verbs := map[string]bool{}
	events, err := shared.ControlPlane.Audit("system:serviceaccount:"+namespace+":"+release, 0)
	suite.Try(t, err)
	for _, event := range events {
		verbs[event.Verb] = true
		if code := event.ResponseStatus.Code; code == http.StatusUnauthorized || code == http.StatusForbidden {
			t.Errorf("%s %s: %d", event.Verb, event.RequestURI, code)
		}
	}
	if !verbs["watch"] || !verbs["create"] || !verbs["get"] { // pods, reviews, configuration
		t.Errorf("it asked only by %v", verbs)
	}
}

// servedSerial is the number of the certificate that a pod serves.
func servedSerial(ctx context.Context, ip string) (string, error) {
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // only looks at it
	connection, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(ip, "6443"))
	if err != nil {
		return "", err
	}
	defer connection.Close()
	return connection.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.String(), nil //nolint:forcetypeassert // a tls.Dialer makes these
}

// reloadedAt is when a pod last took a configuration over.
func reloadedAt(ctx context.Context, ip string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(ip, "9308")+"/metrics", nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	at := regexp.MustCompile(`(?m)^kafka_lag_config_last_reload_success_timestamp_seconds (.*)$`).FindSubmatch(text)
	if at == nil {
		return "", fmt.Errorf("%s does not tell when it took its configuration over", ip)
	}
	return string(at[1]), nil
}

// everything lists all objects that somebody makes on purpose, by "kind namespace/name".
func everything(ctx context.Context) ([]string, error) {
	names, err := shared.ControlPlane.Kubectl(ctx, "api-resources", "--verbs=list", "-o", "name")
	if err != nil {
		return nil, err
	}
	kinds := slices.DeleteFunc(strings.Fields(names), func(kind string) bool {
		// what controllers write by themselves, and the objects of an aggregated API
		return kind == "events" || kind == "events.events.k8s.io" || kind == "leases.coordination.k8s.io" || kind == "pods" || strings.HasSuffix(kind, "metrics.k8s.io")
	})
	out, err := shared.ControlPlane.Kubectl(ctx, "get", strings.Join(kinds, ","), "--all-namespaces", "-o",
		`jsonpath={range .items[*]}{.kind} {.metadata.namespace}/{.metadata.name}{"\n"}{end}`)
	return strings.Split(strings.TrimSpace(out), "\n"), err
}
