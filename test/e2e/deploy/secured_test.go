package deploy

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// TestSecured installs on brokers that want to know who asks, as the chart's README does. All that Kubernetes and Helm show of it is kept for the
// search at the end of the run, with the pods' logs at the level debug.
func TestSecured(t *testing.T) {
	for listener, c := range map[string]struct {
		secret []string // arguments of kubectl create secret
		sets   []string
		after  func(ctx context.Context, t *testing.T) // when it works
	}{
		byPassword: {
			[]string{"--from-literal=password=" + shared.Secured.Password},
			[]string{"--set=kafka.mechanism=PLAIN"}, refusesWrong,
		},
		byCertificate: {
			[]string{"--from-file=tls.crt=" + shared.Secured.Cert, "--from-file=tls.key=" + shared.Secured.Key},
			[]string{"--set=kafka.mechanism=mTLS"}, func(context.Context, *testing.T) {},
		},
	} {
		t.Run(listener, func(t *testing.T) {
			ctx := suite.Within(t, 4*time.Minute)
			brokers, err := shared.Kafka.BootstrapOf(listener)
			suite.Try(t, err)
			applyNamespace(ctx, t)
			applySecret(ctx, t, user, c.secret...)
			applySecret(ctx, t, "kafka-ca", "--from-file=ca.crt="+shared.Secured.CA)
			install(ctx, t, append(c.sets, "--set=brokers="+brokers, "--set=kafka.secret="+user, "--set=kafka.caSecret=kafka-ca", "--set=config.log-level=debug")...)
			for _, pod := range ourPods(ctx, t) {
				suite.Try(t, await.Until(ctx, "the lag at "+pod.Name, func(ctx context.Context) error {
					if page := served(ctx, t, "http://"+net.JoinHostPort(pod.Status.PodIP, "9308")+"/metrics"); !strings.Contains(page, `kafka_consumergroup_lag{consumergroup="`+orders+`"`) {
						return fmt.Errorf("there is none:\n%s", page)
					}
					return nil
				}))
			}
			c.after(ctx, t)
			keepShown(ctx, t, listener)
		})
	}
}

// applySecret writes a Secret as a user does.
func applySecret(ctx context.Context, t *testing.T, name string, content ...string) {
	t.Helper()
	manifest := filepath.Join(t.TempDir(), "secret.yaml")
	text := kubectl(ctx, t, append([]string{"-n", namespace, "create", "secret", "generic", name, "--dry-run=client", "-o", "yaml"}, content...)...)
	suite.Try(t, os.WriteFile(manifest, []byte(text), 0o600))
	kubectl(ctx, t, "apply", "-f", manifest)
}

// refusesWrong puts a password into the Secret that the brokers refuse, so that the pods have something to say about it.
func refusesWrong(ctx context.Context, t *testing.T) {
	applySecret(ctx, t, user, "--from-literal=password="+shared.Secured.Wrong)
	for _, pod := range ourPods(ctx, t) {
		suite.Try(t, await.Until(ctx, "the refusal in the log of "+pod.Name, func(context.Context) error {
			log, err := os.ReadFile(filepath.Join(shared.Dir, "pods", pod.Name+".log"))
			if err == nil && !strings.Contains(string(log), "the brokers refuse what is in them now") {
				err = fmt.Errorf("it is not there")
			}
			return err
		}))
	}
}

// keepShown keeps what Kubernetes and Helm show of the installation, and what the pods serve.
func keepShown(ctx context.Context, t *testing.T, listener string) {
	t.Helper()
	keep := func(name, text string) {
		suite.Try(t, os.WriteFile(filepath.Join(shared.Dir, strings.ToLower(listener)+"-"+name), []byte(text), 0o600))
	}
	const kinds = "pods,deployments,replicasets,configmaps,services,serviceaccounts,networkpolicies,poddisruptionbudgets,roles,rolebindings"
	described := kubectl(ctx, t, "-n", namespace, "describe", kinds+",secrets")
	for _, want := range []string{"Deployment", "/etc/lag-adapter/kafka from kafka", "config.yaml", "password-file"} {
		if listener == byPassword && !strings.Contains(described, want) {
			t.Errorf("%q is not described:\n%s", want, described)
		}
	}
	keep("described.said", described)
	keep("objects.said", kubectl(ctx, t, "-n", namespace, "get", kinds, "-o", "yaml"))
	keep("cluster.said", kubectl(ctx, t, "describe", "apiservices,clusterroles,clusterrolebindings"))
	events := kubectl(ctx, t, "get", "events", "--all-namespaces", "-o", "yaml")
	if !strings.Contains(events, "kind: Event\n") {
		t.Error("there are no events")
	}
	keep("events.said", events)
	for _, what := range []string{"status", "get values --all", "get manifest", "get notes"} {
		text := shared.helm(ctx, t, append(strings.Fields(what), release)...)
		if what == "get manifest" { // its own certificate is in it, as a Secret
			text = withoutSecrets(text)
		}
		keep("helm-"+strings.ReplaceAll(what, " ", "-")+".said", text)
	}
	for _, pod := range ourPods(ctx, t) {
		keep(pod.Name+".metrics", served(ctx, t, "http://"+net.JoinHostPort(pod.Status.PodIP, "9308")+"/metrics"))
		keep(pod.Name+"-page.said", served(ctx, t, "http://"+net.JoinHostPort(pod.Status.PodIP, "9308")+"/"))
	}
}

// withoutSecrets leaves the Secrets out of manifests.
func withoutSecrets(manifests string) string {
	var others []string
	for one := range strings.SplitSeq(manifests, "\n---\n") {
		if !strings.Contains("\n"+one, "\nkind: Secret\n") {
			others = append(others, one)
		}
	}
	return strings.Join(others, "\n---\n")
}

// served is what a page has.
func served(ctx context.Context, t *testing.T, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	suite.Try(t, err)
	response, err := http.DefaultClient.Do(request)
	suite.Try(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	suite.Try(t, err)
	return string(text)
}
