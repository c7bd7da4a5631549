package kinds

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// deleteRecords moves the log starts of a topic.
func deleteRecords(ctx context.Context, t *testing.T, topic string, starts map[int32]int64) {
	t.Helper()
	suite.Try(t, shared.Workload().Admin(func(admin *kadm.Client) error {
		var offsets kadm.Offsets
		for p, start := range starts {
			offsets.AddOffset(topic, p, start, -1)
		}
		deleted, err := admin.DeleteRecords(ctx, offsets)
		if err == nil {
			err = deleted.Error()
		}
		return err
	}))
}

// settled waits for a truth that is so, and returns it.
func settled(ctx context.Context, t *testing.T, what string, so func(*truth) error) *truth {
	t.Helper()
	var found *truth
	suite.Try(t, await.Until(ctx, what, func(ctx context.Context) (err error) {
		if found, err = readTruth(ctx, shared.Oracle); err != nil {
			return err
		}
		return so(found)
	}))
	return found
}
