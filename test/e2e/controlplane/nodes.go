package controlplane

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Pods get loopback addresses, from which a process of the test can connect. But
// EndpointSlices refuse those, and the API server takes no aggregated API for
// available whose Service has no endpoints. So there are two kinds of nodes:
// pods of namespaces made by CreateServiceNamespace run where addresses are
// ordinary ones, to which nothing is ever sent; all others on loopback ones.
// The label says which; admission.yaml has the default.
const (
	podNetwork         = "pod-network"
	loopback           = "loopback"
	ordinary           = "ordinary"
	ordinaryRange      = "10.244.0.0/16"
	loopbackNodes      = 3
	nodeSelectorOfPods = "scheduler.alpha.kubernetes.io/node-selector" // what the PodNodeSelector plugin reads
)

// CreateServiceNamespace makes a namespace whose pods can be the endpoints of
// Services. Install the product in such a one.
func (c *ControlPlane) CreateServiceNamespace(ctx context.Context, name string) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: name, Annotations: map[string]string{nodeSelectorOfPods: podNetwork + "=" + ordinary},
	}}
	if _, err := c.Client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating namespace %s: %w", name, err)
	}
	return nil
}

func (c *ControlPlane) createNodes(ctx context.Context) error {
	nodes := []*corev1.Node{newNode("ordinary-0", ordinary)}
	nodes[0].Spec.PodCIDR, nodes[0].Spec.PodCIDRs = ordinaryRange, []string{ordinaryRange}
	for i := range loopbackNodes {
		nodes = append(nodes, newNode(fmt.Sprintf("loopback-%d", i), loopback))
	}
	for _, n := range nodes {
		if _, err := c.Client.CoreV1().Nodes().Create(ctx, n, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("creating node %s: %w", n.Name, err)
		}
	}
	return nil
}

func newNode(name, network string) *corev1.Node {
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{
		Name: name, Labels: map[string]string{podNetwork: network, corev1.LabelHostname: name},
	}}
}

func (c *ControlPlane) nodesReady(ctx context.Context) error {
	nodes, err := c.Client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, n := range nodes.Items {
		if !nodeReady(n) {
			return fmt.Errorf("node %s is not Ready", n.Name)
		}
	}
	return nil
}

func nodeReady(n corev1.Node) bool {
	for _, condition := range n.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}
