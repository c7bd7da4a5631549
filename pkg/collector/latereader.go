package collector

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// lateReader stands in for a reader that could not be opened, and tries to open it at each collection of the whole cluster.
type lateReader struct {
	cluster string
	open    func() (ClosingReader, error)

	mu     sync.Mutex
	reader ClosingReader // nil until it is open
}

var _ ClosingReader = (*lateReader)(nil)

// Read reads the whole cluster if there is a reader by now; otherwise nothing of it can be read, for the reason that there is none.
func (l *lateReader) Read(ctx context.Context, prev *lag.Snapshot) *lag.Observation {
	reader, err := l.opened()
	if err != nil {
		return &lag.Observation{Cluster: l.cluster, StartedAt: time.Now(), MetadataErr: err, ListingErr: err}
	}
	return reader.Read(ctx, prev)
}

// ReadGroups is asked only for groups that Read has found.
func (l *lateReader) ReadGroups(ctx context.Context, prev *lag.Snapshot, groups []string) *lag.Observation {
	reader, err := l.opened()
	if err != nil {
		return &lag.Observation{Cluster: l.cluster, StartedAt: time.Now(), Partial: true}
	}
	return reader.ReadGroups(ctx, prev, groups)
}

func (l *lateReader) opened() (ClosingReader, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reader != nil {
		return l.reader, nil
	}
	reader, err := l.open()
	if err != nil {
		return nil, fmt.Errorf("nothing is asked of its brokers: %w", err)
	}
	l.reader = reader
	return reader, nil
}

// Close closes the reader, if there is one.
func (l *lateReader) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reader != nil {
		l.reader.Close()
	}
}
