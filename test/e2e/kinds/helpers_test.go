package kinds

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
)

// within bounds a test: what it waits for must come about in that time.
func within(t *testing.T, limit time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), limit, fmt.Errorf("not within %v", limit))
	t.Cleanup(cancel)
	return ctx
}

// try ends the test on an error in what it only builds on.
func try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// deleteRecords moves the log starts of a topic.
func deleteRecords(ctx context.Context, t *testing.T, topic string, starts map[int32]int64) {
	t.Helper()
	try(t, shared.workload().Admin(func(admin *kadm.Client) error {
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
	try(t, await.Until(ctx, what, func(ctx context.Context) (err error) {
		if found, err = readTruth(ctx, shared.oracle); err != nil {
			return err
		}
		return so(found)
	}))
	return found
}
