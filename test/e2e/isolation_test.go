package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// TestIsolation has two tenants who may ask about their own namespace, as the example of the metrics reader lets them, and who were
// granted groups of their own. What is the other's is answered byte for byte like what does not exist.
func TestIsolation(t *testing.T) {
	ctx := suite.Within(t, 3*time.Minute)
	const mine, theirs, absent = "team-a.orders", "team-b.orders", "team-b.absent"
	for group, lag := range map[string]int{mine: 4, theirs: 6} {
		newGroup(ctx, t, group, 2)
		suite.Try(t, shared.Workload().Produce(ctx, group, lag))
	}
	t.Cleanup(func() { // both at once, as it takes 10 s
		kubectl(context.WithoutCancel(ctx), t, "delete", "namespace", "team-a", "team-b", "--ignore-not-found", "--wait")
	})
	client := tenant(ctx, t, "team-a")
	tenant(ctx, t, "team-b")
	withExternal(ctx, t)
	isolate(ctx, t)

	const api, lag = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/", "/kafka_consumergroup_lag?"
	own := api + "team-a/deployments.apps/" + consumer + lag
	suite.Try(t, await.Until(ctx, "the tenant's own group", func(ctx context.Context) error {
		if code, body := raw(ctx, client, own+selecting("consumergroup="+mine)); code != 200 || !strings.Contains(body, `"value":"4"`) {
			return fmt.Errorf("%d %s", code, body)
		}
		return nil
	}))
	if code, body := raw(ctx, client, api+"team-b/metrics"+lag); code != 403 {
		t.Errorf("asking about another's namespace: %d %s", code, body)
	}
	paths := []string{api + "team-a/services/GROUP" + lag} // that are annotated with it
	for _, selector := range []string{
		"consumergroup=GROUP", "consumergroup in (GROUP)", "consumergroup in (GROUP,team-a.orders)", "consumergroup=GROUP,topic=GROUP",
		"topic=GROUP", "consumergroup!=GROUP", "consumergroup notin (GROUP,x)", "consumergroup,topic=GROUP",
	} {
		for _, path := range []string{
			own, api + "team-a/pods/*" + lag + "labelSelector=app%3Dconsumer&", api + "team-a/metrics" + lag, api + "team-a/deployments.apps/*" + lag,
		} {
			paths = append(paths, path+selecting(selector))
		}
		paths = append(paths, externalAPI+"/namespaces/team-a"+lag+strings.Replace(selecting(selector), "metricLabelSelector", "labelSelector", 1))
	}
	for _, path := range paths {
		checkAlike(ctx, t, client, path, theirs, absent)
	}
}

// tenant makes a namespace, which the caller deletes, with the example's Deployment, Services with annotations, and a user who may
// read its metrics.
func tenant(ctx context.Context, t *testing.T, name string) rest.Interface {
	t.Helper()
	kubectl(ctx, t, "create", "namespace", name)
	for _, file := range []string{"consumer.yaml", "metrics-reader.yaml"} {
		text, err := os.ReadFile(example(file))
		suite.Try(t, err)
		path := filepath.Join(shared.Dir, name+"-"+file)
		suite.Try(t, os.WriteFile(path, []byte(strings.NewReplacer("namespace: default", "namespace: "+name,
			"name: team-a", "name: system:serviceaccounts:"+name).Replace(string(text))), 0o600))
		kubectl(ctx, t, "apply", "-f", path)
	}
	for _, group := range []string{"team-b.orders", "team-b.absent"} {
		service := strings.ReplaceAll(group, ".", "-")
		kubectl(ctx, t, "-n", name, "create", "service", "clusterip", service, "--tcp=80")
		kubectl(ctx, t, "-n", name, "annotate", "service", service, "kafka-lag-adapter/consumergroup="+group)
	}
	kubectl(ctx, t, "-n", name, "rollout", "status", "deployment/"+consumer, "--timeout=60s")
	return clientOf(ctx, t, name, "default")
}

// clientOf returns a client with the rights of a ServiceAccount.
func clientOf(ctx context.Context, t *testing.T, namespace, serviceAccount string) rest.Interface {
	t.Helper()
	path, err := shared.ControlPlane.KubeconfigFor(ctx, namespace, serviceAccount)
	suite.Try(t, err)
	config, err := clientcmd.BuildConfigFromFlags("", path)
	suite.Try(t, err)
	config.QPS = -1 // without limit
	client, err := kubernetes.NewForConfig(config)
	suite.Try(t, err)
	return client.CoreV1().RESTClient()
}

// isolate runs the adapter with the example of a configuration file, until the test ends.
func isolate(ctx context.Context, t *testing.T) {
	t.Helper()
	args := append(adapterArgs(), "--external-metrics=true", "--config="+example("config.yaml"), "--log-format=json") // as the manifests have it
	suite.Try(t, shared.Adapter.Restart(ctx, args...))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		suite.Try(t, errors.Join(shared.Adapter.Restart(ctx, adapterArgs()...), await.Until(ctx, "the APIServices", available)))
	})
}

// checkAlike asks with the name of a group that exists and with that of one that does not, and compares the answers.
func checkAlike(ctx context.Context, t *testing.T, client rest.Interface, path, hidden, absent string) {
	t.Helper()
	answer := func(ctx context.Context, group string) string {
		in := group
		if strings.Contains(path, "/services/") {
			in = strings.ReplaceAll(group, ".", "-")
		}
		code, body := raw(ctx, client, strings.ReplaceAll(path, "GROUP", in))
		return fmt.Sprint(code, " ", strings.NewReplacer(group, "GROUP", in, "GROUP").Replace(body))
	}
	// A value has the time of its reading, which may go on between two questions.
	if err := await.Until(ctx, path+" to be answered alike", func(ctx context.Context) error {
		first, other, again := answer(ctx, hidden), answer(ctx, absent), answer(ctx, hidden)
		if first == again && first != other {
			t.Errorf("%s: of a group that is hidden\n%s\nof one that does not exist\n%s", path, first, other)
		} else if first != again {
			return errors.New("the group was read in between")
		}
		if strings.HasPrefix(first, "5") || strings.HasPrefix(first, "403") || strings.HasPrefix(first, "0") {
			t.Errorf("%s: %s", path, first)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
