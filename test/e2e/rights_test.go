package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// TestRights: the adapter asks kube-apiserver as its own ServiceAccount, for what manifests/base grants and nothing else.
func TestRights(t *testing.T) {
	ctx := suite.Within(t, time.Minute)
	const user = "system:serviceaccount:kafka-lag-adapter:lag-adapter"
	suite.Try(t, await.Until(ctx, "requests of the adapter in the audit log", func(context.Context) error {
		events, err := shared.ControlPlane.Audit(user, 0)
		seen := map[string]bool{}
		for _, event := range events {
			seen[event.Verb] = true
			if event.ResponseStatus.Code == 401 || event.ResponseStatus.Code == 403 {
				t.Errorf("%s %s: %d", event.Verb, event.RequestURI, event.ResponseStatus.Code)
			}
		}
		// The pod list comes as the beginning of a watch. create: TokenReviews and SubjectAccessReviews.
		if !seen["watch"] || !seen["create"] || !seen["get"] {
			return fmt.Errorf("only %v", seen)
		}
		return err
	}))
}
