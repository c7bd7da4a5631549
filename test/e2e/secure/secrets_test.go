package secure

import (
	"testing"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/canary"
)

// TestSecretsOfEachKind holds the search at the end of the run to what it is
// to be about here.
func TestSecretsOfEachKind(t *testing.T) {
	report, err := canary.Search(shared.dir)
	if err != nil {
		t.Error(err)
	}
	for kind, least := range map[string]int{canary.Password: 4, canary.Token: 2, canary.Key: 3, canary.Keytab: 2} {
		if n := report.Secrets[kind]; n < least {
			t.Errorf("%d secrets of the kind %s, want %d: %v", n, kind, least, report)
		}
	}
}
