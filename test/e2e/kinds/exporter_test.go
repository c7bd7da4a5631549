package kinds

import (
	"context"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/exporter"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/layout"
)

// How the exporter polls, and which groups it is told are special: those whose
// names end so.
const (
	pollInterval = time.Second
	maxAge       = 10 * time.Second

	earliestGroup      = "-earliest"
	readCommittedGroup = "-committed"
	ignoringGroup      = "-ignoring"
)

func startExporter(ctx context.Context, where layout.Layout, dir, name, bootstrap string, args ...string) (*exporter.Exporter, error) {
	return exporter.Start(ctx, where, dir, name, append([]string{"--brokers=" + bootstrap,
		"--poll-interval=" + pollInterval.String(), "--max-age=" + maxAge.String(),
		"--earliest-groups=.*" + earliestGroup, "--read-committed-groups=.*" + readCommittedGroup,
		"--ignore-unsubscribed-groups=.*" + ignoringGroup}, args...)...)
}
