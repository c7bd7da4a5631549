package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// auditEvent is what we look at of a line of the audit log.
type auditEvent struct {
	User struct {
		Username string `json:"username"`
	} `json:"user"`
	RequestURI     string `json:"requestURI"`
	Verb           string `json:"verb"`
	ResponseStatus struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
}

// TestRights: the adapter asks kube-apiserver as its own ServiceAccount, for what manifests/base grants and nothing else.
func TestRights(t *testing.T) {
	ctx := suite.Within(t, time.Minute)
	const user = "system:serviceaccount:kafka-lag-adapter:lag-adapter"
	suite.Try(t, await.Until(ctx, "requests of the adapter in the audit log", func(context.Context) error {
		file, err := os.Open(filepath.Clean(shared.ControlPlane.AuditLog()))
		if err != nil {
			return err
		}
		defer file.Close()
		seen := map[string]bool{}
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, 10<<20)
		for lines.Scan() {
			var event auditEvent
			if json.Unmarshal(lines.Bytes(), &event) != nil || event.User.Username != user {
				continue
			}
			seen[event.Verb] = true
			if event.ResponseStatus.Code == 401 || event.ResponseStatus.Code == 403 {
				t.Errorf("%s %s: %d", event.Verb, event.RequestURI, event.ResponseStatus.Code)
			}
		}
		// The pod list comes as the beginning of a watch. create: TokenReviews and SubjectAccessReviews.
		if !seen["watch"] || !seen["create"] || !seen["get"] {
			return fmt.Errorf("only %v", seen)
		}
		return lines.Err()
	}))
}
