package adapter

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// FuzzHandler asks for any path of the APIs with any query, in any form: there is no panic and no 500, and every error is a
// metav1.Status.
func FuzzHandler(f *testing.F) {
	long := strings.Repeat("a,", 5<<10)
	for _, seed := range [][3]string{
		{"custom.metrics.k8s.io/v1beta2/namespaces/default/pods/*/kafka_consumergroup_lag", "labelSelector=app=consumer&metricLabelSelector=consumergroup=orders", ""},
		{"custom.metrics.k8s.io/v1beta1/namespaces/default/deployments.apps/consumer/kafka_consumergroup_lag_max", "metricLabelSelector=consumergroup in (orders)", ""},
		{"custom.metrics.k8s.io/v1beta2/namespaces/default/metrics/kafka_consumergroup_lag", "metricLabelSelector=topic=orders", ""},
		{"custom.metrics.k8s.io/v1beta2/namespaces/default/metrics", "", ""},
		{"custom.metrics.k8s.io/v1beta2/namespaces//metrics/", "watch=1&timeoutSeconds=x", ""},
		{"custom.metrics.k8s.io/v1beta2/nodes/n/kafka_consumergroup_lag", "fieldSelector=metadata.name=n", ""},
		{"custom.metrics.k8s.io/v1beta1/watch/namespaces/default/pods/a/kafka_consumergroup_lag", "resourceVersion=0", ""},
		{"custom.metrics.k8s.io/v1beta1/proxy/namespaces/default/pods", "limit=1&continue=x", ""},
		{"custom.metrics.k8s.io/v1beta2/namespaces/default/x..y/%2e%2e/kafka_consumergroup_lag", "metricLabelSelector=partition>1,partition<x", ""},
		{"custom.metrics.k8s.io/v1beta2//namespaces/default/pods/*/kafka_consumergroup_lag", "labelSelector=%zz;", ""},
		{"custom.metrics.k8s.io/v1beta2/namespaces/\x00/pods/\xff/kafka_consumergroup_members", "metricLabelSelector=!consumergroup", ""},
		{"custom.metrics.k8s.io/", "", ""}, {"", "", ""}, {"custom.metrics.k8s.io/v1", "", ""}, {"custom.metrics.k8s.io/v1beta1/", "pretty=true", ""}, {"custom.metrics.k8s.io/\x95", "dryRun=All&export", ""},
		{"custom.metrics.k8s.io/v1beta1/namespaces/default/metrics/kafka_consumergroup_lag", "metricLabelSelector=consumergroup=orders", "application/yaml"},
		{"custom.metrics.k8s.io/v1beta1/namespaces/*/metrics/*", "metricLabelSelector=consumergroup in (" + long + "a)", "text/html"},
		{"custom.metrics.k8s.io/v1beta1/namespaces/default/metrics/kafka_consumergroup_lag/x/y", "", "application/json;as=Table;g=meta.k8s.io;v=v1"},
		{"custom.metrics.k8s.io/v1beta2/namespaces/default/namespaces/default/kafka_consumergroup_lag", "labelSelector=" + long, "*/*;q=x"},
		{"custom.metrics.k8s.io/v1beta2/namespaces./granted/kafka_consumergroup_lag", "", ""},
		{"custom.metrics.k8s.io/v1beta2/namespaces/default/pods./*/kafka_consumergroup_lag", "metricLabelSelector=partition in (1,2),topic", ""},
		{"custom.metrics.k8s.io/v1beta2/namespaces/default/*.*/*/*", "metricLabelSelector=*", "application/vnd.kubernetes.protobuf"},
		{"external.metrics.k8s.io/v1beta1/namespaces/default/kafka_consumergroup_lag", "labelSelector=consumergroup=orders", "application/vnd.kubernetes.protobuf"},
		{"external.metrics.k8s.io/v1beta1/namespaces/granted/kafka_consumergroup_lag_max", "", "application/json;as=Table;g=meta.k8s.io;v=v1"},
		{"external.metrics.k8s.io/v1beta1/namespaces/granted/kafka_consumergroup_members", "watch=1&allowWatchBookmarks=1&sendInitialEvents=1", ""},
		{"external.metrics.k8s.io/v1beta1/namespaces/*/*", "labelSelector=consumergroup in (" + long + "a)", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"},
		{"external.metrics.k8s.io/v1beta1/namespaces/default/../x.y", "resourceVersionMatch=x&limit=1&continue=x&fieldSelector=a=b", ""},
		{"external.metrics.k8s.io/v1beta1/watch/namespaces/default/x", "labelSelector=a&labelSelector=b", ""},
		{"external.metrics.k8s.io/v1beta1/namespaces/default/kafka_consumergroup_lag/status", "labelSelector=partition>x", ""},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	rig := newRig(f)
	hpa := rig.clients.issue(hpaUser).Leaf
	f.Fuzz(func(t *testing.T, path, query, accept string) {
		target := &url.URL{Scheme: "https", Host: "127.0.0.1", Path: "/apis/" + path, RawQuery: query}
		if target.Query().Has("timeout") {
			return // whoever sets a deadline may be cut off at it, in the middle of an answer
		}
		request := (&http.Request{
			Method: http.MethodGet, URL: target, Host: target.Host, Proto: "HTTP/2.0", ProtoMajor: 2, RequestURI: target.RequestURI(),
			Header: http.Header{"Accept": {accept}}, Body: http.NoBody, RemoteAddr: "127.0.0.1:1",
			TLS: &tls.ConnectionState{PeerCertificates: []*x509.Certificate{hpa}},
		}).WithContext(t.Context())
		answer := httptest.NewRecorder()
		rig.server.handler.ServeHTTP(answer, request)
		switch {
		case answer.Code >= 300 && answer.Code < 400: // a path that is not clean is redirected
		case answer.Code >= 400 && strings.HasPrefix(answer.Header().Get("Content-Type"), "application/json"):
			expectStatusBody(t, answer)
			fallthrough
		default:
			if answer.Code == http.StatusInternalServerError || answer.Body.Len() == 0 {
				t.Errorf("%d %q", answer.Code, answer.Body)
			}
		}
	})
}
