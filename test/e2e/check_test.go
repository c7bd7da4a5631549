package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// TestCheck: what manifests/base grants to the adapter's ServiceAccount is all
// that check finds to be needed.
func TestCheck(t *testing.T) {
	ctx := suite.Within(t, time.Minute)
	_, text, err := shared.Adapter.Command(ctx, "check")
	suite.Try(t, err)
	for _, want := range []string{
		"ok    kafka default: connected in plain text", "ok    kubernetes: the API server at 127.0.0.1:", "clock agrees with this machine's", "18 of the 18 rights that the settings use are granted",
		"signs the requests that it passes on", "who serves v1beta2.custom.metrics.k8s.io is not ours to see",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(text, "FAIL  kubernetes") || t.Failed() { // other tests' groups may be in any state
		t.Errorf("check says:\n%s", text)
	}
}
