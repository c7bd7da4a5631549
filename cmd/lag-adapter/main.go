// Command lag-adapter serves the lag of Kafka consumer groups to HorizontalPodAutoscalers, through custom.metrics.k8s.io, and
// to Prometheus.
package main

import (
	"context"
	"os"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/app"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/app/metricsapi"
)

func main() {
	program := app.Program{
		Name:      "lag-adapter",
		Summary:   "Reads the lag of Kafka consumer groups from the brokers and serves it to HorizontalPodAutoscalers and to Prometheus.",
		Extension: func() app.Extension { return metricsapi.New() },
		Commands:  []app.Command{app.CheckCommand()},
	}
	os.Exit(program.Main(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}
