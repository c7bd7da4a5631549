package resources

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/fakekafka"
)

// inChild tells a test that it runs in the child process which it started.
const inChild = "KAFKA_LAG_TEST_IN_CHILD"

// TestRow20NoFileDescriptorsLeft takes from a collector, in a process of its own, the right to open anything. What is connected goes on;
// without connections, values get old and say why, and are fresh again when there are descriptors.
func TestRow20NoFileDescriptorsLeft(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if os.Getenv(inChild) == "" {
		child := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		child.Env = append(os.Environ(), inChild+"=yes")
		if out, err := child.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	s := newSoak(t)
	right := func(what string) {
		t.Helper()
		s.cluster.Advance()
		now := time.Now()
		if err := eventually(ctx, func() error { return s.isRight(now) }); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	right("at first")
	allowed := allowFiles(t, 3) // standard input and both outputs, so no more
	right("while the connections stand")
	for node := range int32(3) {
		for _, key := range allKeys() {
			s.cluster.Fault(node+1, key, fakekafka.Fault{Close: true})
		}
	}
	if err := eventually(ctx, func() error { return s.isUnread(time.Now()) }); err != nil {
		t.Fatal(err)
	}
	s.cluster.Heal() // brokers would answer
	unread, begin := time.Now(), s.reader.polls.Load()
	if err := eventually(ctx, func() error { return s.polled(begin, 5*episodePolls) }); err != nil {
		t.Fatal(err)
	}
	if err := s.isUnread(unread); err != nil {
		t.Errorf("%d polls later: %v", 5*episodePolls, err)
	}
	if err := s.isRight(time.Time{}); err != nil {
		t.Errorf("the last values have changed: %v", err)
	}
	allowFiles(t, allowed)
	right("with descriptors again")
}

// isUnread says whether no group was read since then for want of descriptors, so that each is unknown once it is too old.
func (s *soak) isUnread(since time.Time) error {
	snapshots, shape := s.store.Snapshots(), s.cluster.Shape()
	if err := snapshots[0].MetadataErr; lag.ClassOf(err) != lag.ClassConnection || !strings.Contains(err.Error(), "raise its limit") {
		return fmt.Errorf("the cluster is not unread: %w", err)
	}
	for g := range shape.Groups {
		sel := lag.Selection{Groups: []string{shape.Group(g)}, What: shape.Group(g)}
		total, err := lag.Sum(snapshots, sel, time.Now(), time.Hour)
		if err != nil || total.ReadAt.After(since) {
			return fmt.Errorf("%s was read %s ago: %w", sel.What, time.Since(total.ReadAt), err)
		}
		var unknown *lag.UnknownError
		if _, err = lag.Sum(snapshots, sel, time.Now(), time.Nanosecond); !errors.As(err, &unknown) || !strings.Contains(err.Error(), "raise its limit") {
			return fmt.Errorf("%s is not unknown for want of descriptors: %w", sel.What, err)
		}
	}
	return nil
}

// allowFiles sets how many files the process may have open, and returns how many it could have before.
func allowFiles(t *testing.T, most uint64) (before uint64) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	before, limit.Cur = limit.Cur, most
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	return before
}
