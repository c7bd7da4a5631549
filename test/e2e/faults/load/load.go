// Package load keeps the lag of many groups of every kind moving, at a bounded
// rate, whatever becomes of the brokers meanwhile.
package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/members"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/record"
)

// Names of groups. Those that scale something are called after the kind of their metric and a number, and their topics after them:
// the one with the number 0 holds its lag at HeldLag, that of the others goes up and down. The group steady reads as fast as is
// produced, and its lag is never below SteadyLag.
const (
	Steady       = "steady"
	SteadyLag    = 50
	HeldLag      = 42
	Committed    = "-committed" // the end of the names of groups that read what is committed
	Earliest     = "-earliest"  // and of those that start at the log's start
	share        = "share-"
	scaledTopics = 6 // partitions
	firstRecords = 7 // of each partition
)

// Kinds of metrics that groups scale by.
func Kinds() []string { return []string{"pods", "object", "external"} }

// Policy is how the lag of a group is counted.
func Policy(group string) record.Policy {
	shares := strings.HasPrefix(group, share) // which are made to start at the log's start, as they tell everybody
	return record.Policy{Committed: strings.HasSuffix(group, Committed), Earliest: shares || strings.HasSuffix(group, Earliest), Share: shares}
}

// Config says how much. All but Members is needed.
type Config struct {
	Bootstrap string
	Groups    int // besides those that scale something
	Scaled    int // of each kind
	Members   *members.Config
}

// Load is a running load.
type Load struct {
	cfg      Config
	client   *kgo.Client // produces
	admin    *kadm.Client
	members  *members.Members
	cancel   context.CancelFunc
	running  sync.WaitGroup
	consumed []*consumer
	// partitions are how many each topic has.
	partitions map[string]int32

	mu      sync.Mutex
	random  *rand.Rand
	ends    map[string][]int64   // acknowledged, by topic
	commits map[string][]int64   // by group
	topicOf map[string]string    // of groups that only commit
	busy    map[string]bool      // groups with a commit under way: two could come in the wrong order
	rests   map[string]time.Time // of groups with a commit that failed, as far as is known: until it will not come any more
	only    []string             // these groups
	topics  []string             // of all but scaled ones
}

// Start creates topics and groups, and begins.
func Start(ctx context.Context, cfg Config) (*Load, error) {
	l := &Load{
		cfg: cfg, random: rand.New(rand.NewPCG(1, 2)), ends: map[string][]int64{}, commits: map[string][]int64{}, rests: map[string]time.Time{}, topicOf: map[string]string{},
		busy: map[string]bool{},
	}
	var err error
	l.client, err = kgo.NewClient(kgo.SeedBrokers(strings.Split(cfg.Bootstrap, ",")...), kgo.DisableClientMetrics(),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxBufferedRecords(2000), kgo.RecordDeliveryTimeout(10*time.Second),
		kgo.MetadataMinAge(250*time.Millisecond), kgo.UnknownTopicRetries(-1), kgo.RequestTimeoutOverhead(3*time.Second))
	if err != nil {
		return nil, fmt.Errorf("starting the load: %w", err)
	}
	l.admin = kadm.NewClient(l.client)
	if err := l.prepare(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the load: %w", err), l.Close())
	}
	running, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	l.every(running, 100*time.Millisecond, l.produceSome)
	for range 3 { // a coordinator that hangs shall not hold up the others' groups
		l.every(running, 200*time.Millisecond, l.commitSome)
	}
	l.every(running, time.Second, l.wave)
	l.every(running, 100*time.Millisecond, l.keepSteady)
	l.every(running, 8*time.Second, l.churn)
	return l, nil
}

// Close ends the load. Nothing of it is left but topics and groups.
func (l *Load) Close() error {
	if l.cancel != nil {
		l.cancel()
	}
	l.running.Wait()
	for _, c := range l.consumed {
		c.stop()
	}
	l.client.Close()
	if l.members != nil {
		return l.members.Close()
	}
	return nil
}

// every runs something again and again. What fails is tried again at its next turn: failing is what brokers do here.
func (l *Load) every(ctx context.Context, period time.Duration, do func(context.Context)) {
	l.running.Go(func() {
		tick := time.NewTicker(period)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				do(ctx)
			}
		}
	})
}

// prepare creates all topics with some records in them, and lets each group commit for the first time.
func (l *Load) prepare(ctx context.Context) error {
	if err := l.createTopics(ctx); err != nil {
		return err
	}
	for topic, partitions := range l.partitions {
		l.ends[topic] = make([]int64, partitions)
	}
	if err := l.produceFirst(ctx); err != nil {
		return fmt.Errorf("producing the first records: %w", err)
	}
	return l.prepareGroups(ctx)
}

func (l *Load) prepareGroups(ctx context.Context) error {
	g, started := errgroup.WithContext(ctx)
	g.SetLimit(8)
	first := func(group, topic string, commit int64) {
		g.Go(func() error {
			offsets := make([]int64, len(l.ends[topic]))
			for p := range offsets {
				offsets[p] = commit
			}
			return await.Until(started, "the first commit of "+group, func(ctx context.Context) error { // its coordinator may not know the topic yet
				return l.commit(ctx, group, topic, offsets)
			})
		})
	}
	first(Steady, Steady, 0)
	for _, kind := range Kinds() {
		for i := range l.cfg.Scaled {
			name := fmt.Sprintf("%s-%d", kind, i)
			first(name, name, 0) // 6 partitions with 7 records each are HeldLag
		}
	}
	for i := range l.cfg.Groups {
		topic := l.topics[i%len(l.topics)]
		switch group := fmt.Sprintf("group-%d", i); i % 10 {
		case 0:
			l.consumed = append(l.consumed, &consumer{load: l, group: group, topic: topic})
		case 1:
			l.consumed = append(l.consumed, &consumer{load: l, group: group, topic: topic, server: true})
		default:
			group += []string{"", "", Committed, Earliest}[i%4]
			l.topicOf[group] = topic
			l.only = append(l.only, group)
			first(group, topic, int64(i%7))
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	l.produceSteady(ctx, SteadyLag)
	for _, c := range l.consumed {
		if err := c.start(); err != nil {
			return err
		}
	}
	return l.joinJava(ctx)
}

// joinJava lets the kinds of members join that only Java has. They read a little and then stay.
func (l *Load) joinJava(ctx context.Context) (err error) {
	if l.cfg.Members == nil {
		return nil
	}
	if l.members, err = members.Start(*l.cfg.Members); err != nil {
		return err
	}
	return errors.Join(
		l.members.Join(ctx, members.Share, share+"0", l.topics[0], 4),
		l.members.Join(ctx, members.Streams, "streams-0", l.topics[0], 4),
	)
}

// Groups are those that have a lag at all times, as they commit without having members.
func (l *Load) Groups() []string {
	all := append([]string{Steady}, l.only...)
	for _, kind := range Kinds() {
		for i := range l.cfg.Scaled {
			all = append(all, fmt.Sprintf("%s-%d", kind, i))
		}
	}
	return all
}
