package adapter

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"
	"k8s.io/metrics/pkg/apis/custom_metrics"
	"k8s.io/metrics/pkg/apis/external_metrics"
)

// checkURL refuses, before anybody looks who asks, a path that is not text and a query that is too long to be meant. The handlers behind
// it make a label of their metrics of the path, which panics.
func checkURL(next http.Handler, serializer runtime.NegotiatedSerializer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !utf8.ValidString(r.URL.Path) {
			writeStatus(apierrors.NewBadRequest(fmt.Sprintf("the path %q is not valid UTF-8", r.URL.Path)), serializer, w, r)
			return
		}
		if len(r.URL.RawQuery) > maxQuery {
			writeStatus(apierrors.NewBadRequest(fmt.Sprintf("the query has more than %d bytes; shorten its selectors", maxQuery)), serializer, w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// maxQuery bounds the query as it comes, in which each byte of a selector may take three, and a word more: authorization, which comes
// before selectors are looked at, would parse any number of terms and pass them on to the API server.
const maxQuery = 3*maxSelectors + 1<<10

// maxSelectors is the length in bytes that both selectors of a request may have together, decoded.
const maxSelectors = 8 << 10

// checkRequest refuses what the handlers behind it would answer wrongly: a path that goes on behind the metric of a namespace
// (they ignore the rest, of which authorization knows), a metricLabelSelector that does not parse (they say 500), a query that
// cannot be decoded (they drop the broken parameter, and without its labelSelector a request asks for every pod of the
// namespace), a selector given twice (they take the first) and selectors too long to be meant.
func checkRequest(next http.Handler, serializer runtime.NegotiatedSerializer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		parts := strings.Split(strings.TrimPrefix(r.URL.Path, apiGroupPath), "/") // "", version, namespaces, NAMESPACE, metrics, METRIC
		if len(parts) > 6 && parts[6] != "" && parts[2] == "namespaces" && parts[4] == "metrics" {
			writeStatus(notFoundStatus("the path %q goes on behind the metric; write …/namespaces/NAMESPACE/metrics/METRIC", r.URL.Path), serializer, w, r)
			return
		}
		if strings.HasPrefix(r.URL.Path, apiGroupPath+"/") || strings.HasPrefix(r.URL.Path, externalGroupPath+"/") {
			if err := selectorsError(r.URL.RawQuery); err != nil {
				writeStatus(apierrors.NewBadRequest(err.Error()), serializer, w, r)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func selectorsError(rawQuery string) error {
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return fmt.Errorf("the query does not decode (%w); escape its values, such as %%3D for =", err)
	}
	length := 0
	for _, key := range []string{"labelSelector", "metricLabelSelector"} {
		values := query[key]
		if len(values) > 1 {
			return fmt.Errorf("%s is given %d times; join the requirements by commas into one", key, len(values))
		}
		for _, value := range values {
			if length += len(value); length > maxSelectors {
				return fmt.Errorf("labelSelector and metricLabelSelector have more than %d bytes together; shorten them", maxSelectors)
			}
			if _, err := labels.Parse(value); err != nil {
				return fmt.Errorf("%s %q does not parse: %w", key, value, err)
			}
		}
	}
	return nil
}

// notFoundHandler answers for the paths that nothing is installed at.
func notFoundHandler(serializer runtime.NegotiatedSerializer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeStatus(notFoundStatus("nothing is served at %q; %s lists what is", r.URL.Path, apiGroupPath), serializer, w, r)
	})
}

// Where discovery of the metrics APIs begins.
const (
	apiGroupPath      = "/apis/" + custom_metrics.GroupName
	externalGroupPath = "/apis/" + external_metrics.GroupName
)

func writeStatus(err error, serializer runtime.NegotiatedSerializer, w http.ResponseWriter, r *http.Request) {
	responsewriters.ErrorNegotiated(err, serializer, schema.GroupVersion{Version: "v1"}, w, r)
}
