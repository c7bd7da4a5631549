package adapter

import (
	"errors"
	"fmt"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// notFound is the API's 404 with the server's usual beginning and what to do about it.
func notFound(info provider.CustomMetricInfo, format string, args ...any) error {
	return notFoundStatus("the server could not find the metric %s for %s: %s", info.Metric, info.GroupResource, fmt.Sprintf(format, args...))
}

// notFoundStatus is a 404.
func notFoundStatus(format string, args ...any) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusNotFound, Reason: metav1.StatusReasonNotFound, Message: fmt.Sprintf(format, args...),
	}}
}

// unavailable is the API's 503: the answer is not known now.
func unavailable(info provider.CustomMetricInfo, err error) error {
	return apierrors.NewServiceUnavailable(fmt.Sprintf("the metric %s for %s is not available now: %v", info.Metric, info.GroupResource, err))
}

// podsNotServed is the 404 of pods where they are not to be known.
func podsNotServed(info provider.CustomMetricInfo) error {
	return notFound(info, "pods are not known with --bind=selector; use a metric of type Object on the workload, or another --bind, for which "+
		"the ServiceAccount needs list and watch on pods")
}

// lookupStatus is the status for an error of Objects.
func lookupStatus(info provider.CustomMetricInfo, doing string, err error) error {
	switch {
	case apierrors.IsNotFound(err):
		return notFound(info, "%v", err)
	case apierrors.IsBadRequest(err):
		return err
	default:
		return unavailable(info, fmt.Errorf("%s: %w", doing, err))
	}
}

// statusFor is the status for an error of a Binder or of lag.Sum. Whatever is not confirmed absent is unknown.
func statusFor(info provider.CustomMetricInfo, err error) error {
	// First, as the reason may be a status with which the API server has refused us something else.
	if unknown, ok := errors.AsType[*lag.UnknownError](err); ok {
		return unavailable(info, unknown)
	}
	if status, ok := errors.AsType[*apierrors.StatusError](err); ok {
		return status // not what wraps it: the server does not look into errors
	}
	if absent, ok := errors.AsType[*lag.AbsentError](err); ok {
		return notFound(info, "%v", absent)
	}
	return unavailable(info, err)
}
