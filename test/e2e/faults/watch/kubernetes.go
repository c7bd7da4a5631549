package watch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/check"
)

// patience is for one request to the API server, which answers at once or not at all.
const patience = 5 * time.Second

// The paths of the metrics API.
const (
	Custom   = "/apis/custom.metrics.k8s.io/v1beta2"
	External = "/apis/external.metrics.k8s.io/v1beta1"
)

// Request is what an HPA asks the metrics API for a group's lag.
func Request(namespace, metric string, s Subject) (path string, query url.Values) {
	bySelector := "consumergroup=" + s.Group
	query = url.Values{}
	switch s.Kind {
	case "pods":
		path = fmt.Sprintf("%s/namespaces/%s/pods/*/%s", Custom, namespace, metric)
		query.Set("labelSelector", "app="+s.Group)
		query.Set("metricLabelSelector", bySelector)
	case "object":
		path = fmt.Sprintf("%s/namespaces/%s/deployments.apps/%s/%s", Custom, namespace, s.Group, metric)
		query.Set("metricLabelSelector", bySelector)
	default:
		path = fmt.Sprintf("%s/namespaces/%s/%s", External, namespace, metric)
		query.Set("labelSelector", bySelector)
	}
	return path, query
}

// Ask makes the request.
func Ask(ctx context.Context, client kubernetes.Interface, namespace, metric string, s Subject) ([]byte, error) {
	path, query := Request(namespace, metric, s)
	return raw(ctx, client, path, query)
}

// ask asks a server of the metrics API for a group's lag, as its HPA does.
func (w *Watch) ask(ctx context.Context, source string, client kubernetes.Interface, s Subject) {
	subject := source + s.Kind + " " + s.Group
	body, err := Ask(ctx, client, w.targets.Namespace, w.targets.Metric, s)
	at := time.Now()
	switch {
	case ctx.Err() != nil:
		return
	case apierrors.IsNotFound(err) && status(err) != "":
		w.log.Denied(subject, at, err)
		return
	case understood(err):
		w.log.Refused(subject, at)
		return
	case err != nil:
		w.log.Probed(subject, at, err)
		return
	}
	items, err := check.ParseItems(body)
	if err != nil {
		w.failed(fmt.Errorf("%s: %w", subject, err))
		return
	}
	w.log.Answered(subject, s.Group, s.Group, at, items)
	if s.Kind == "pods" {
		known, err := w.pods.know(ctx, items)
		if err == nil {
			w.log.Pods(subject, at, items, known)
		}
	}
}

// understood says that an error is the product's own answer that a lag is not known: the API server has others for an API that it
// cannot reach.
func understood(err error) bool {
	return apierrors.IsServiceUnavailable(err) && status(err) != ""
}

// status is the reason that the product gives. What the API server says itself of an API that it cannot reach is plain text.
func status(err error) string {
	var s apierrors.APIStatus
	if !errors.As(err, &s) || s.Status().Details != nil && len(s.Status().Details.Causes) > 0 {
		return "" // a message that was no Status is turned into a cause
	}
	return s.Status().Message
}

func raw(ctx context.Context, client kubernetes.Interface, path string, query url.Values) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	request := client.Discovery().RESTClient().Get().AbsPath(path)
	for name := range query {
		request = request.Param(name, query.Get(name))
	}
	result := request.Do(ctx)
	body, _ := result.Raw() // its error has not looked into the body
	return body, result.Error()
}

// autoscalers looks at how many replicas each HPA wants.
func (w *Watch) autoscalers(ctx context.Context) {
	short, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	list, err := w.targets.Client.AutoscalingV2().HorizontalPodAutoscalers(w.targets.Namespace).List(short, metav1.ListOptions{ResourceVersion: "0"})
	at := time.Now()
	if ctx.Err() != nil {
		return
	}
	w.log.Probed("the list of HPAs", at, err)
	if err != nil {
		return
	}
	for _, hpa := range list.Items {
		if hpa.Status.DesiredReplicas > 0 { // 0 before its first look
			w.log.Wants(hpa.Name, at, hpa.Status.DesiredReplicas)
		}
	}
}

// discovery looks at the APIServices' conditions and at discovery, one after the other.
func (w *Watch) discovery() func(context.Context) {
	services, turn := APIServices(), 0
	return func(ctx context.Context) {
		turn++
		if n := turn % (len(services) + 2); n < len(services) {
			w.probe(ctx, "APIService "+services[n], func(ctx context.Context) error { return available(ctx, w.targets.Client, services[n]) })
			return
		}
		path := []string{Custom, External}[turn%2]
		w.probe(ctx, "discovery of "+path, func(ctx context.Context) error {
			_, err := raw(ctx, w.targets.Client, path, nil)
			return err
		})
	}
}

// APIServices are the names of those that have to be Available.
func APIServices() []string {
	return []string{"v1beta1.custom.metrics.k8s.io", "v1beta2.custom.metrics.k8s.io", "v1beta1.external.metrics.k8s.io"}
}

// Available says whether the API server takes all of the product's APIs for available.
func Available(ctx context.Context, client kubernetes.Interface) error {
	var errs []error
	for _, name := range APIServices() {
		if err := available(ctx, client, name); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

func available(ctx context.Context, client kubernetes.Interface, name string) error {
	c, err := availability(ctx, client, name)
	if err == nil && c.Status != metav1.ConditionTrue {
		err = fmt.Errorf("%s: %s", c.Reason, c.Message)
	}
	return err
}

// Transitions tells since when each of the product's APIs is available, or is not: what changed in between shows.
func Transitions(ctx context.Context, client kubernetes.Interface) (map[string]time.Time, error) {
	since := map[string]time.Time{}
	for _, name := range APIServices() {
		c, err := availability(ctx, client, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		since[name] = c.LastTransitionTime.Time
	}
	return since, nil
}

// availability is what the API server says of an API.
func availability(ctx context.Context, client kubernetes.Interface, name string) (metav1.Condition, error) {
	body, err := raw(ctx, client, "/apis/apiregistration.k8s.io/v1/apiservices/"+name, nil)
	if err != nil {
		return metav1.Condition{}, err
	}
	var service struct {
		Status struct {
			Conditions []metav1.Condition `json:"conditions"`
		} `json:"status"`
	}
	if err := json.Unmarshal(body, &service); err != nil {
		return metav1.Condition{}, err
	}
	for _, c := range service.Status.Conditions {
		if c.Type == "Available" {
			return c, nil
		}
	}
	return metav1.Condition{}, errors.New("nothing is said of whether it is available")
}

// pods remembers which pods there are, and for a while which there were.
type pods struct {
	client    kubernetes.Interface
	namespace string

	mu   sync.Mutex
	seen map[string]time.Time
}

const remembered = 10 * time.Second

// know returns the pods that there are or were lately. It looks again only if items name others.
func (p *pods) know(ctx context.Context, items []check.Item) ([]string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.ContainsFunc(items, func(i check.Item) bool { return time.Since(p.seen[i.Object]) > remembered/2 }) {
		return p.names(), nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	list, err := p.client.CoreV1().Pods(p.namespace).List(ctx, metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		return nil, err
	}
	for _, pod := range list.Items {
		p.seen[pod.Name] = time.Now()
	}
	return p.names(), nil
}

func (p *pods) names() []string {
	var names []string
	for name, at := range p.seen {
		if time.Since(at) < remembered {
			names = append(names, name)
		}
	}
	return names
}

// Lying is a client of the metrics API all of whose answers pass through wrap.
func Lying(config *rest.Config, wrap func(http.RoundTripper) http.RoundTripper) (kubernetes.Interface, error) {
	config = rest.CopyConfig(config)
	config.Wrap(wrap)
	return kubernetes.NewForConfig(config)
}
