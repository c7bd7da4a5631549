package main

import (
	"fmt"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/layout"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/stack"
)

// guide tells how to reach a stack, with commands to copy.
func guide(where layout.Layout, s *stack.Stack) string {
	const topicTool, groupTool, producer = "org.apache.kafka.tools.TopicCommand",
		"org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", "org.apache.kafka.tools.ConsoleProducer"
	java := fmt.Sprintf("java -cp '%s/*'", where.KafkaLibs())
	return fmt.Sprintf(`The stack is up.

Kubernetes    %[1]s
  export KUBECONFIG=%[2]s PATH=%[3]s:$PATH
  kubectl get apiservices v1beta1.custom.metrics.k8s.io v1beta2.custom.metrics.k8s.io
  kubectl apply -f %[4]s/examples/consumer.yaml -f %[4]s/examples/hpa-pods.yaml
  kubectl get --raw '/apis/custom.metrics.k8s.io/v1beta2/namespaces/default/pods/*/kafka_consumergroup_lag?metricLabelSelector=consumergroup%%3Dorders'

Kafka         %[5]s
  %[6]s %[7]s --bootstrap-server %[5]s --create --topic orders --partitions 6
  %[6]s %[8]s --bootstrap-server %[5]s --group orders --topic orders --reset-offsets --to-earliest --execute
  seq 42 | %[6]s %[9]s --bootstrap-server %[5]s --topic orders
  %[6]s %[8]s --bootstrap-server %[5]s --describe --group orders

Adapter       pid %[10]d, log %[11]s
  curl %[12]s/metrics

Files         %[13]s
End it all    make e2e-down`,
		s.ControlPlane.URL(), s.ControlPlane.Kubeconfig(), where.Root+"/.cache/bin", where.Manifests(),
		s.Kafka.Bootstrap(), java, topicTool, groupTool, producer,
		s.Adapter.Process().PID(), s.Adapter.Process().Log(), s.Adapter.WebURL, s.Dir)
}
