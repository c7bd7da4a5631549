package metricsapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	authorization "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/check"
)

const areaKubernetes = "kubernetes"

// right is one that manifests/base/rbac.yaml grants.
type right struct {
	authorization.ResourceAttributes
	// without says what becomes of requests; needed, that there would be none.
	without string
	needed  bool
}

func authenticationConfig() authorization.ResourceAttributes {
	return authorization.ResourceAttributes{Namespace: "kube-system", Verb: "get", Resource: "configmaps", Name: "extension-apiserver-authentication"}
}

// rights returns what the settings need.
func (e *Extension) rights() (all []right) {
	grant := func(needed bool, without, namespace, group, resource, name string, verbs ...string) {
		resource, subresource, _ := strings.Cut(resource, "/")
		for _, verb := range verbs {
			all = append(all, right{authorization.ResourceAttributes{
				Namespace: namespace, Verb: verb, Group: group, Resource: resource, Subresource: subresource, Name: name,
			}, without, needed})
		}
	}
	const nobody = "nobody could be told who may ask"
	grant(true, nobody, "kube-system", "", "configmaps", "extension-apiserver-authentication", "get", "list", "watch")
	grant(true, nobody, "", "authentication.k8s.io", "tokenreviews", "", "create")
	grant(true, nobody, "", "authorization.k8s.io", "subjectaccessreviews", "", "create")
	if e.bind != bindSelector {
		grant(true, "no Pods metric could be answered, and no object found by membership", "", "", "pods", "", "list", "watch")
	}
	const kind = "Object metrics on this kind cannot be answered, and annotations on it count as none"
	grant(false, "Object metrics are answered only for kinds whose scale may be read", "", "*", "*/scale", "", "get")
	for _, resource := range []string{"deployments", "replicasets", "statefulsets"} {
		grant(false, kind, "", "apps", resource, "", "get", "list")
	}
	grant(false, kind, "", "", "services", "", "get", "list")
	grant(false, kind, "", "kafka.strimzi.io", "kafkatopics", "", "get", "list")
	return all
}

// Check looks at the API server, at our rights there, and at who serves the metrics API.
func (e *Extension) Check(ctx context.Context, report *check.Report) {
	cfg, err := e.client.RESTConfig()
	if err != nil {
		report.Fail(areaKubernetes, "", "%v", err)
		return
	}
	cfg.ContentType, cfg.AcceptContentTypes = runtime.ContentTypeJSON, runtime.ContentTypeJSON // APIServices know no other
	if !checkServer(ctx, cfg, report) {
		return
	}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		report.Fail(areaKubernetes, "", "%v", err)
		return
	}
	checkRights(ctx, client, e.rights(), report)
	if ok, err := granted(ctx, client, authenticationConfig()); ok && err == nil { // else it was said already
		checkRequestHeader(ctx, client, report)
	}
	served := []string{"v1beta1.custom.metrics.k8s.io", "v1beta2.custom.metrics.k8s.io"}
	if e.server.ExternalMetrics {
		served = append(served, "v1beta1.external.metrics.k8s.io")
	}
	for _, name := range served {
		checkOwner(ctx, client, name, report)
	}
}

// checkServer says whether the API server answers, and how far its clock is from ours.
func checkServer(ctx context.Context, cfg *rest.Config, report *check.Report) bool {
	const do = "look at --kubeconfig, or at the pod's ServiceAccount and NetworkPolicies"
	client, err := rest.HTTPClientFor(cfg)
	if err != nil {
		report.Fail(areaKubernetes, do, "%v", err)
		return false
	}
	base, _, err := rest.DefaultServerUrlFor(cfg)
	if err != nil {
		report.Fail(areaKubernetes, do, "%v", err)
		return false
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base.JoinPath("/version").String(), http.NoBody)
	if err != nil {
		report.Fail(areaKubernetes, do, "%v", err)
		return false
	}
	began := time.Now()
	response, err := client.Do(request)
	if err != nil {
		report.Fail(areaKubernetes, do, "the API server cannot be reached: %v", err)
		return false
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	var version struct{ GitVersion string }
	if err := json.NewDecoder(response.Body).Decode(&version); err != nil || response.StatusCode != http.StatusOK {
		report.Fail(areaKubernetes, do, "the API server at %s answers %s", base.Host, response.Status)
		return false
	}
	report.OK(areaKubernetes, "the API server at %s is %s", base.Host, version.GitVersion)
	checkClock(response.Header.Get("Date"), began, time.Now(), report)
	return true
}

// maxSkew is by how much clocks may differ: certificates and tokens are good for minutes more or less, and Kerberos allows five.
const maxSkew = 30 * time.Second

// checkClock compares the time of an answer, in whole seconds, with when it was asked for and came.
func checkClock(date string, began, ended time.Time, report *check.Report) {
	theirs, err := http.ParseTime(date)
	if err != nil {
		report.Warn(areaKubernetes, "see that this machine's clock is set by NTP", "the API server does not tell the time")
		return
	}
	ahead := max(began.Sub(theirs.Add(time.Second)), theirs.Sub(ended), 0)
	if ahead > maxSkew {
		report.Fail(areaKubernetes, "set both clocks by NTP", "this machine's clock and the API server's differ by %s or more", ahead.Truncate(time.Second))
		return
	}
	report.OK(areaKubernetes, "the API server's clock agrees with this machine's to %s", max(ahead.Round(time.Second), time.Second))
}

func checkRights(ctx context.Context, client kubernetes.Interface, rights []right, report *check.Report) {
	const do = "grant it, as manifests/base/rbac.yaml does"
	count := 0
	for i := range rights {
		r := &rights[i]
		ok, err := granted(ctx, client, r.ResourceAttributes)
		switch {
		case err != nil:
			report.Fail(areaKubernetes, "", "asking for our rights: %v", err)
			return
		case ok:
			count++
		case r.needed:
			report.Fail(areaKubernetes, do, "no right to %s: %s", r, r.without)
		default:
			report.Warn(areaKubernetes, do, "no right to %s: %s", r, r.without)
		}
	}
	report.OK(areaKubernetes, "%d of the %d rights that the settings use are granted", count, len(rights))
}

// granted asks whether we have a right. So nothing is attempted that would be refused, and audit logs stay clean.
func granted(ctx context.Context, client kubernetes.Interface, right authorization.ResourceAttributes) (bool, error) {
	review := &authorization.SelfSubjectAccessReview{Spec: authorization.SelfSubjectAccessReviewSpec{ResourceAttributes: &right}}
	answer, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, meta.CreateOptions{})
	if err != nil {
		return false, err
	}
	return answer.Status.Allowed, nil
}

// String names the right as kubectl auth can-i takes it.
func (r *right) String() string {
	resource := r.Resource
	if r.Group != "" {
		resource += "." + r.Group
	}
	if r.Subresource != "" {
		resource += "/" + r.Subresource
	}
	if r.Name != "" {
		resource += " " + r.Name + " in " + r.Namespace
	}
	return r.Verb + " " + resource
}

// checkRequestHeader says whether the API server can tell us who asks.
func checkRequestHeader(ctx context.Context, client kubernetes.Interface, report *check.Report) {
	found, err := client.CoreV1().ConfigMaps(authenticationConfig().Namespace).Get(ctx, authenticationConfig().Name, meta.GetOptions{})
	switch {
	case err != nil:
		report.Fail(areaKubernetes, "", "the configuration of delegated authentication: %v", err)
	case found.Data["requestheader-client-ca-file"] == "":
		report.Fail(areaKubernetes, "start kube-apiserver with --requestheader-client-ca-file, and its proxy client certificate",
			"the API server has no aggregation layer: it could not pass requests on")
	default:
		report.OK(areaKubernetes, "the API server tells by which CA it signs the requests that it passes on")
	}
}

// ourService is the name of the Service in manifests/base and of the chart.
const ourService = "lag-adapter"

// checkOwner says who serves a version of the metrics API, of which a cluster has one owner. ServiceAccounts may usually not look.
func checkOwner(ctx context.Context, client kubernetes.Interface, name string, report *check.Report) {
	look := fmt.Sprintf("look at kubectl get apiservice %s", name)
	if ok, err := granted(ctx, client, authorization.ResourceAttributes{Verb: "get", Group: "apiregistration.k8s.io", Resource: "apiservices", Name: name}); !ok || err != nil {
		report.OK(areaKubernetes, "who serves %s is not ours to see; %s", name, look)
		return
	}
	text, err := client.Discovery().RESTClient().Get().AbsPath("/apis/apiregistration.k8s.io/v1/apiservices", name).DoRaw(ctx)
	var found struct {
		Spec struct {
			Service *struct{ Namespace, Name string }
		}
		Status struct {
			Conditions []struct{ Type, Status, Message string }
		}
	}
	if err == nil {
		err = json.Unmarshal(text, &found)
	}
	switch {
	case apierrors.IsNotFound(err):
		report.Warn(areaKubernetes, "apply manifests/base/apiservice.yaml, or install the chart", "nobody serves %s, so that no HPA can ask", name)
		return
	case err != nil:
		report.Warn(areaKubernetes, look, "who serves %s: %v", name, err)
		return
	}
	owner := "kube-apiserver itself"
	if s := found.Spec.Service; s != nil {
		owner = s.Namespace + "/" + s.Name
		if !strings.Contains(s.Name, ourService) {
			report.Warn(areaKubernetes, "only one adapter can serve it: remove the other, or leave it to that one and use External metrics",
				"%s is served by %s, which does not look like us", name, owner)
			return
		}
	}
	for _, c := range found.Status.Conditions {
		if c.Type == "Available" && c.Status != "True" {
			report.Warn(areaKubernetes, look, "%s is served by %s and is not available: %s", name, owner, c.Message)
			return
		}
	}
	report.OK(areaKubernetes, "%s is served by %s", name, owner)
}
