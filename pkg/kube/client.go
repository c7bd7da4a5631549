package kube

import (
	"fmt"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// ClientOptions says how to reach the API server.
type ClientOptions struct {
	Kubeconfig string  // a file; empty for the ServiceAccount of the pod that this runs in
	QPS        float32 // requests per second that the client allows itself on average
	Burst      int     // requests that it allows itself at once
}

// NewClientOptions returns the defaults. client-go's own limits of 5 and 10 would make the HorizontalPodAutoscalers of a larger
// cluster wait for one another.
func NewClientOptions() *ClientOptions { return &ClientOptions{QPS: 50, Burst: 100} }

// AddFlags adds --kubeconfig, --client-qps and --client-burst.
func (o *ClientOptions) AddFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.Kubeconfig, "kubeconfig", o.Kubeconfig,
		"kubeconfig file of the cluster whose pods and workloads are described. Empty: the pod's own ServiceAccount.")
	fs.Float32Var(&o.QPS, "client-qps", o.QPS, "Requests per second to the API server that are allowed on average.")
	fs.IntVar(&o.Burst, "client-burst", o.Burst, "Requests to the API server that are allowed at once.")
}

// RESTConfig returns the client configuration.
func (o *ClientOptions) RESTConfig() (*rest.Config, error) {
	cfg, err := o.load()
	if err != nil {
		return nil, fmt.Errorf("find the cluster (set --kubeconfig, or run in a pod that has a ServiceAccount): %w", err)
	}
	cfg.QPS, cfg.Burst = o.QPS, o.Burst
	cfg.ContentType = runtime.ContentTypeProtobuf // a third of JSON's cost, which counts for the list of all pods
	cfg.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	return cfg, nil
}

func (o *ClientOptions) load() (*rest.Config, error) {
	if o.Kubeconfig == "" {
		return rest.InClusterConfig()
	}
	return clientcmd.BuildConfigFromFlags("", o.Kubeconfig)
}
