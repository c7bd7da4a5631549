package adapter

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

// FuzzHandler asks for any path of the API with any query: there is no panic and no 500, and every error is a metav1.Status.
func FuzzHandler(f *testing.F) {
	for _, seed := range [][2]string{
		{"v1beta2/namespaces/default/pods/*/kafka_consumergroup_lag", "labelSelector=app=consumer&metricLabelSelector=consumergroup=orders"},
		{"v1beta1/namespaces/default/deployments.apps/consumer/kafka_consumergroup_lag_max", "metricLabelSelector=consumergroup in (orders)"},
		{"v1beta2/namespaces/default/metrics/kafka_consumergroup_lag", "metricLabelSelector=topic=orders"},
		{"v1beta2/namespaces/default/metrics", ""},
		{"v1beta2/namespaces//metrics/", "watch=1&timeoutSeconds=x"},
		{"v1beta2/nodes/n/kafka_consumergroup_lag", "fieldSelector=metadata.name=n"},
		{"v1beta1/watch/namespaces/default/pods/a/kafka_consumergroup_lag", "resourceVersion=0"},
		{"v1beta1/proxy/namespaces/default/pods", "limit=1&continue=x"},
		{"v1beta2/namespaces/default/x..y/%2e%2e/kafka_consumergroup_lag", "metricLabelSelector=partition>1,partition<x"},
		{"v1beta2//namespaces/default/pods/*/kafka_consumergroup_lag", "labelSelector=%zz;"},
		{"v1beta2/namespaces/\x00/pods/\xff/kafka_consumergroup_members", "metricLabelSelector=!consumergroup"},
		{"", ""}, {"v1", ""}, {"v1beta1/", "pretty=true"}, {"\x95", "dryRun=All&export"},
	} {
		f.Add(seed[0], seed[1])
	}
	rig := newRig(f)
	hpa := rig.clients.issue(hpaUser).Leaf
	f.Fuzz(func(t *testing.T, path, query string) {
		target := &url.URL{Scheme: "https", Host: "127.0.0.1", Path: "/apis/custom.metrics.k8s.io/" + path, RawQuery: query}
		if target.Query().Has("timeout") {
			return // whoever sets a deadline may be cut off at it, in the middle of an answer
		}
		request := (&http.Request{
			Method: http.MethodGet, URL: target, Host: target.Host, Proto: "HTTP/2.0", ProtoMajor: 2, RequestURI: target.RequestURI(),
			Header: http.Header{}, Body: http.NoBody, RemoteAddr: "127.0.0.1:1",
			TLS: &tls.ConnectionState{PeerCertificates: []*x509.Certificate{hpa}},
		}).WithContext(t.Context())
		answer := httptest.NewRecorder()
		rig.server.handler.ServeHTTP(answer, request)
		switch {
		case answer.Code >= 300 && answer.Code < 400: // a path that is not clean is redirected
		case answer.Code >= 400:
			expectStatusBody(t, answer)
			fallthrough
		default:
			if answer.Code == http.StatusInternalServerError || answer.Body.Len() == 0 {
				t.Errorf("%d %q", answer.Code, answer.Body)
			}
		}
	})
}
