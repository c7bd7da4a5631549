package load

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Namespace is where what scales is; Target is the lag for each replica, Metric what the metrics API is asked for.
const (
	Namespace = "default"
	Target    = 5
	Metric    = "kafka_consumergroup_lag"
)

// Scale makes a Deployment and an HPA for each group that scales something, all called after it.
func Scale(ctx context.Context, client kubernetes.Interface, scaled int) error {
	for _, kind := range Kinds() {
		for i := range scaled {
			name := fmt.Sprintf("%s-%d", kind, i)
			if _, err := client.AppsV1().Deployments(Namespace).Create(ctx, Deployment(name), metav1.CreateOptions{}); err != nil {
				return fmt.Errorf("scaling %s: %w", name, err)
			}
			hpas := client.AutoscalingV2().HorizontalPodAutoscalers(Namespace)
			if _, err := hpas.Create(ctx, autoscaler(kind, name), metav1.CreateOptions{}); err != nil {
				return fmt.Errorf("scaling %s: %w", name, err)
			}
		}
	}
	return nil
}

// Deployment is a Deployment of one pod.
func Deployment(name string) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "consumer", Image: "none"}}},
			},
		},
	}
}

func autoscaler(kind, name string) *autoscalingv2.HorizontalPodAutoscaler {
	one, average := int32(1), resource.NewQuantity(Target, resource.DecimalSI)
	target := autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: average}
	metric := autoscalingv2.MetricIdentifier{Name: Metric, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"consumergroup": name}}}
	workload := autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: name}
	var spec autoscalingv2.MetricSpec
	switch kind {
	case "pods":
		spec.Type, spec.Pods = autoscalingv2.PodsMetricSourceType, &autoscalingv2.PodsMetricSource{Metric: metric, Target: target}
	case "object":
		spec.Type = autoscalingv2.ObjectMetricSourceType
		spec.Object = &autoscalingv2.ObjectMetricSource{DescribedObject: workload, Metric: metric, Target: target}
	default:
		spec.Type, spec.External = autoscalingv2.ExternalMetricSourceType, &autoscalingv2.ExternalMetricSource{Metric: metric, Target: target}
	}
	// By default 8 replicas would do for a lag of 42 as 9 do, and which of them it is would depend on how they came about.
	upAtOnce := &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: &autoscalingv2.HPAScalingRules{Tolerance: resource.NewQuantity(0, resource.DecimalSI)}}
	return &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: workload, MinReplicas: &one, MaxReplicas: 20, Metrics: []autoscalingv2.MetricSpec{spec}, Behavior: upAtOnce,
		},
	}
}
