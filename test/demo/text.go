package main

import (
	"fmt"
	"strings"
	"time"
)

// introduction says what runs where, and how to look at it.
func introduction(s settings, brokers []string, adapter *lagAdapter, certificates *access, refused string, took time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "kafka-lag-adapter: a demo. All of it runs in this process and on 127.0.0.1; ready after %.1f s.\n\n", took.Seconds())
	fmt.Fprintf(&b, "  Kafka       in-process, %d brokers: %s; topic %s with %d partitions\n", len(brokers), strings.Join(brokers, " "), topic, s.partitions)
	fmt.Fprintf(&b, "  consumers   of group %s, each good for %.0f records a second; they play the pods of Deployment %s/%s\n",
		group, s.consumerRate, namespace, deployment)
	fmt.Fprintf(&b, "  adapter     the real lag-adapter, polling Kafka every %s\n", s.pollInterval)
	fmt.Fprintf(&b, "  autoscaler  the HorizontalPodAutoscaler's request and rule: a lag of %d per pod, %d to %d replicas; every %s and down after %s,\n"+
		"              where a cluster has 15s and 5m\n", s.autoscaler.TargetAverage, s.autoscaler.Min, s.autoscaler.Max, s.sync, s.autoscaler.ScaleDownWindow)
	fmt.Fprintf(&b, "  access      checked: %s\n", refused)
	fmt.Fprintf(&b, "\nWhile it runs, from another terminal:\n\n%s\n", strings.Join(commands(adapter, certificates), "\n"))
	if s.length > 0 {
		fmt.Fprintf(&b, "\nIt ends after %s, or with Ctrl-C.\n\n", s.length)
	} else {
		b.WriteString("\nIt ends with Ctrl-C.\n\n")
	}
	return b.String()
}

// commands show the same lag on both ports.
func commands(adapter *lagAdapter, certificates *access) []string {
	return []string{
		fmt.Sprintf("curl -s %s | grep ^kafka_consumergroup_lag", quote(adapter.metricsURL)),
		fmt.Sprintf("curl -s --cacert %s --cert %s --key %s %s", quote(certificates.caFile), quote(certificates.autoscalerCert),
			quote(certificates.autoscalerKey), quote(adapter.apiURL+podsPath)),
	}
}

// quote makes one word of a text for a POSIX shell.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
