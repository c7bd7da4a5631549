package collector

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"sync"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// Member is one cluster of a [Fleet].
type Member struct {
	Name string
	// Settings are what all the rest follows from: a member that is given again with deeply equal ones runs on undisturbed.
	Settings any
	Config   Config
	// Open makes the reader, without asking the brokers for anything.
	Open func() (ClosingReader, error)
	// Keep returns what still counts, under these settings, of what is known under others. Nil keeps all of it.
	Keep func(*lag.Snapshot) *lag.Snapshot
}

// ClosingReader is a Reader that holds connections.
type ClosingReader interface {
	Reader
	Close()
}

// Fleet polls several clusters, each with a reader and a Collector of its own, so that none waits for another or fails with it.
// Which they are can change while it runs. Start, Prepare and the changes that Prepare returns must not be called concurrently.
type Fleet struct {
	wanted  *Wanted
	store   *Store
	metrics *Metrics
	logger  *slog.Logger

	mu      sync.Mutex
	members map[string]*member
	ctx     context.Context //nolint:containedctx // that of Run: members are added as long as it lasts; nil before
	running sync.WaitGroup  // the collectors, also those that were taken out and are about to end
}

// member is a Member at work.
type member struct {
	Member
	reader    ClosingReader
	collector *Collector
	stop      context.CancelFunc // nil until it runs
}

// NewFleet returns a Fleet without members, whose Collectors share the rest.
func NewFleet(wanted *Wanted, store *Store, metrics *Metrics, logger *slog.Logger) *Fleet {
	return &Fleet{wanted: wanted, store: store, metrics: metrics, logger: logger, members: map[string]*member{}}
}

// Start gives the fleet its first members. Of each, the store has a snapshot at once, which knows nothing: what is asked of all
// clusters must not be answered from some as long as the others may be about to be read. A member whose reader cannot be opened is tried again at each poll, unless that is so
// for all of them: that is an error.
func (f *Fleet) Start(members []Member) error {
	var errs []error
	opened := map[string]ClosingReader{}
	for _, m := range members {
		reader, err := m.Open()
		if err != nil {
			errs = append(errs, err)
			reader = &lateReader{cluster: m.Name, open: m.Open}
		}
		opened[m.Name] = reader
	}
	if len(errs) == len(members) {
		return errors.Join(errs...)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range members {
		f.add(m, opened[m.Name], nil)
		f.members[m.Name].collector.await(m.Name)
	}
	return nil
}

// Prepare makes all that can fail of giving the fleet other members, and returns what does the rest. Until that is called nothing has
// changed, and after an error nothing will.
//
// A member with other settings takes over what is known, so that its values get neither lost nor fresher. One that is new is not waited
// for: until it has given its list of groups, what is asked of all clusters is answered without it, as before.
func (f *Fleet) Prepare(members []Member) (commit func(), err error) {
	opened := map[string]ClosingReader{}
	var errs []error
	for _, m := range members {
		if f.unchanged(m) {
			continue
		}
		reader, err := m.Open()
		if err != nil {
			errs = append(errs, err)
			continue
		}
		opened[m.Name] = reader
	}
	if err := errors.Join(errs...); err != nil {
		for _, reader := range opened {
			reader.Close()
		}
		return nil, err
	}
	return func() { f.change(members, opened) }, nil
}

func (f *Fleet) unchanged(m Member) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	old := f.members[m.Name]
	return old != nil && reflect.DeepEqual(old.Settings, m.Settings)
}

// change makes these the members; those that are new or have changed have an opened reader.
func (f *Fleet) change(members []Member, opened map[string]ClosingReader) {
	f.mu.Lock()
	defer f.mu.Unlock()
	gone := maps.Clone(f.members)
	for _, m := range members {
		delete(gone, m.Name)
	}
	for name, old := range gone {
		old.collector.retire()
		f.end(old)
		delete(f.members, name)
		f.store.Remove(name)
		f.metrics.forget(name)
		f.logger.Info("no longer collected", "cluster", name)
	}
	for _, m := range members {
		reader := opened[m.Name]
		if reader == nil {
			continue
		}
		f.add(m, reader, f.members[m.Name])
	}
}

// add puts a member in the place of old, which is nil if there is none. f.mu is held.
func (f *Fleet) add(m Member, reader ClosingReader, old *member) {
	next := &member{Member: m, reader: reader}
	next.collector = New(m.Config, reader, f.wanted, f.store, f.metrics, f.logger.With("cluster", m.Name))
	f.members[m.Name] = next
	if old != nil {
		next.collector.succeed(old.collector, m.Keep)
		f.end(old)
	}
	f.run(next)
}

// run polls a member if the fleet runs. f.mu is held.
func (f *Fleet) run(m *member) {
	if f.ctx == nil {
		return
	}
	if f.ctx.Err() != nil { // nobody waits for what would begin now
		m.reader.Close()
		return
	}
	ctx, stop := context.WithCancel(f.ctx)
	m.stop = stop
	f.running.Go(func() {
		defer m.reader.Close()
		_ = m.collector.Run(ctx) // which ends without an error
	})
}

// end stops a member without waiting for what it is waiting for.
func (f *Fleet) end(m *member) {
	if m.stop == nil {
		m.reader.Close()
		return
	}
	m.stop()
}

// Run polls the members until the context ends.
func (f *Fleet) Run(ctx context.Context) error {
	f.mu.Lock()
	f.ctx = ctx
	for _, name := range slices.Sorted(maps.Keys(f.members)) {
		f.run(f.members[name])
	}
	f.mu.Unlock()
	<-ctx.Done()
	f.mu.Lock()   // a change that is being made has begun what it begins
	f.mu.Unlock() //nolint:staticcheck // the empty section is the wait for it
	f.running.Wait()
	return nil
}

// Close ends a fleet that was never run.
func (f *Fleet) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.members {
		f.end(m)
	}
}

// Live returns why a member's polls are stuck, nil if none's are.
func (f *Fleet) Live() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(f.members)) {
		errs = append(errs, f.members[name].collector.Live())
	}
	return errors.Join(errs...)
}
