package secure

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/exporter"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/pki"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/series"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/volume"
)

// TestRow21RotationToAWrongCA gives an exporter a CA that its broker is not
// of. Connections that stand go on; but it is told, and what to change, and it
// is over once the CA is the right one again.
func TestRow21RotationToAWrongCA(t *testing.T) {
	ctx := suite.Within(t, 2*time.Minute)
	v, err := volume.New(filepath.Join(shared.dir, "volume-wrong-ca"))
	suite.Try(t, err)
	stranger, err := pki.NewCA("a CA that the broker is not of")
	suite.Try(t, err)
	suite.Try(t, v.Swap(map[string]string{"ca.crt": string(shared.ca.Cert)}))
	const name = "rotated-wrong-ca"
	e := startExporter(ctx, t, name, "TLS", "kafka:\n  tls: {enabled: true, ca-file: "+v.Path("ca.crt")+"}\n")
	suite.Try(t, await.Until(ctx, "the lag", func(ctx context.Context) error { return lags(ctx, e, 1) }))
	suite.Try(t, v.Swap(map[string]string{"ca.crt": string(stranger.Cert)}))
	suite.Try(t, await.Until(ctx, "the message about the CA", func(ctx context.Context) error {
		if err := lags(ctx, e, 1); err != nil {
			t.Errorf("after the rotation: %v", err)
		}
		return errors.Join(logged(t, name, "no connection can be made by what is in them now", "put the brokers' CA there"), countsConnection(ctx, e))
	}))
	suite.Try(t, v.Swap(map[string]string{"ca.crt": string(shared.ca.Cert)}))
	suite.Try(t, await.Until(ctx, "the end of it", func(context.Context) error { return logged(t, name, "over: rotation of secrets") }))
	suite.Try(t, lags(ctx, e, 1))
}

// logged wants all of it in the log.
func logged(t *testing.T, name string, all ...string) error {
	t.Helper()
	log := logOf(t, name)
	for _, want := range all {
		if !strings.Contains(log, want) {
			return fmt.Errorf("%q is not in the log:\n%s", want, log)
		}
	}
	return nil
}

// countsConnection wants the counter of errors to have one of the class connection.
func countsConnection(ctx context.Context, e *exporter.Exporter) error {
	got, err := e.Scrape(ctx)
	if err == nil && got[series.Name("kafka_lag_collector_read_errors_total", "cluster", "default", "class", "connection")] == 0 {
		err = errors.New("no error of the class connection is counted")
	}
	return err
}
