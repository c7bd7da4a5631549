package adapter

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// crowd is a rig in which everybody may read, and each request stays under way until it is released.
type crowd struct {
	*rig
	entered chan struct{}
	release chan struct{}
	done    chan int
	waiting int
}

func newCrowd(t *testing.T) *crowd {
	t.Helper()
	c := &crowd{entered: make(chan struct{}, maxRequests), release: make(chan struct{}), done: make(chan int, maxRequests)}
	c.rig = newRig(t, func(o *Options) { o.Authorizer = authorizer.AuthorizerFunc(allowAll) })
	pods := c.provider.cfg.Pods
	c.provider.cfg.Pods = fakePods{exists: pods.Exists, list: func(namespace string, selector labels.Selector) ([]lag.Pod, error) {
		c.entered <- struct{}{}
		<-c.release
		return pods.List(namespace, selector)
	}}
	return c
}

func allowAll(context.Context, authorizer.Attributes) (authorizer.Decision, string, error) {
	return authorizer.DecisionAllow, "", nil
}

// waits has n requests of a user under way.
func (c *crowd) waits(user string, n int) {
	leaf := c.clients.issue(user).Leaf
	for range n {
		go func() { c.done <- c.get(leaf, http.MethodGet, ordersOfPods).Code }()
		<-c.entered
	}
	c.waiting += n
}

// ask makes a request that waits for nothing.
func (c *crowd) ask(user string) *httptest.ResponseRecorder {
	var leaf *x509.Certificate
	if user != "" {
		leaf = c.clients.issue(user).Leaf
	}
	return c.get(leaf, http.MethodGet, v1beta2)
}

// leave releases those that wait: all are answered.
func (c *crowd) leave(t *testing.T) {
	t.Helper()
	close(c.release)
	for range c.waiting {
		if code := <-c.done; code != http.StatusOK {
			t.Errorf("one that was taken is answered by %d", code)
		}
	}
}

func checkCode(t *testing.T, who string, got *httptest.ResponseRecorder, want int) {
	t.Helper()
	if got.Code != want || want == http.StatusTooManyRequests && got.Header().Get("Retry-After") == "" {
		t.Errorf("%s is answered by %d (%.100s), Retry-After %q, want %d", who, got.Code, got.Body, got.Header().Get("Retry-After"), want)
	}
}

// A tenant that asks for all it can is told to wait, whichever of its accounts asks, and keeps nobody else waiting.
func TestRow24TenantHasItsShareAndNoMore(t *testing.T) {
	c := newCrowd(t)
	c.waits("system:serviceaccount:team-a:flood", maxOfOneUser)
	for user, want := range map[string]int{
		"system:serviceaccount:team-a:flood": 429, "system:serviceaccount:team-a:another": 429,
		"system:serviceaccount:team-b:flood": 200, "somebody": 200, hpaUser: 200, "system:kube-controller-manager": 200,
	} {
		checkCode(t, user, c.ask(user), want)
	}
	c.leave(t)
	checkCode(t, "the tenant, later", c.ask("system:serviceaccount:team-a:flood"), http.StatusOK)
}

// All tenants together leave room for the HPAs, and nobody keeps the kubelet from its probes.
func TestRow24TenantsTogetherLeaveRoomForHPAs(t *testing.T) {
	c := newCrowd(t)
	stop := c.start(t) // probes fail before
	for i := range maxTenants / maxOfOneUser {
		c.waits(fmt.Sprintf("tenant-%d", i), maxOfOneUser)
	}
	checkCode(t, "a tenant more", c.ask("late"), http.StatusTooManyRequests)
	checkCode(t, "nobody", c.ask(""), http.StatusTooManyRequests)
	c.waits(hpaUser, maxRequests-maxTenants)
	checkCode(t, "an HPA too many", c.ask(hpaUser), http.StatusTooManyRequests)
	for _, probe := range []string{"/livez", "/readyz", "/healthz"} {
		checkCode(t, probe, c.get(nil, http.MethodGet, probe), http.StatusOK)
	}
	c.leave(t)
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// A selector that is too long to be meant costs nobody else anything: neither are its terms parsed, nor does the API server get to see them.
func TestRow24GiantSelectorsAreRefusedBeforeAnybodyIsAsked(t *testing.T) {
	var asked atomic.Int64
	rig := newRig(t, func(o *Options) {
		o.Authorizer = authorizer.AuthorizerFunc(func(context.Context, authorizer.Attributes) (authorizer.Decision, string, error) {
			asked.Add(1)
			return authorizer.DecisionAllow, "", nil
		})
	})
	tenant := rig.clients.issue("tenant").Leaf
	terms := make([]string, 10_000)
	for i := range terms {
		terms[i] = fmt.Sprintf("l%d%%3Dx", i)
	}
	for name, selector := range map[string]string{
		"10,000 terms": strings.Join(terms, ","), "1 MB": strings.Repeat("x", 1<<20), "escaped": "a+in+(" + strings.Repeat("%61,", 10_000) + "a)",
	} {
		for _, path := range []string{
			v1beta2 + "/namespaces/default/pods/*/kafka_consumergroup_lag?labelSelector=", ordersOfPods + "&metricLabelSelector=",
			"/apis/external.metrics.k8s.io/v1beta1/namespaces/default/kafka_consumergroup_lag?labelSelector=", "/apis?fieldSelector=",
		} {
			for who, leaf := range map[string]*x509.Certificate{"tenant": tenant, "nobody": nil} {
				checkCode(t, fmt.Sprintf("%s with %s at %.60s", who, name, path), rig.get(leaf, http.MethodGet, path+selector), http.StatusBadRequest)
			}
		}
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("authorization was asked %d times", n)
	}
	checkCode(t, "what is not too long", rig.get(tenant, http.MethodGet, ordersOfPods), http.StatusOK)
	if asked.Load() == 0 {
		t.Error("authorization is not asked at all")
	}
}
