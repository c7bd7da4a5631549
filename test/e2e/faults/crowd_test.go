package faults

import (
	"context"
	"fmt"
	"os"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/flood"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/load"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/watch"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/stack"
)

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
