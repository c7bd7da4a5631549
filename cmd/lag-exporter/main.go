// Command lag-exporter serves the lag of Kafka consumer groups to Prometheus. It is small enough to run beside a consumer in
// its pod, and links no Kubernetes package.
package main

import (
	"context"
	"os"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/app"
)

func main() {
	program := app.Program{
		Name:     "lag-exporter",
		Summary:  "Reads the lag of Kafka consumer groups from the brokers and serves it to Prometheus.",
		Commands: []app.Command{app.CheckCommand()},
		// There may be one in each pod of a cluster, so that memory counts for more than the CPU to collect garbage twice as often.
		GCPercent: 50,
	}
	os.Exit(program.Main(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}
