package load

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// patience is for one request: with a broker that hangs, the load goes on with the others.
const patience = 2 * time.Second

// produce writes records, some time, unless there are too many that were not written yet.
func (l *Load) produce(topic string, partition int32, n int) {
	for range n {
		record := &kgo.Record{Topic: topic, Partition: partition, Value: []byte("record")}
		l.client.TryProduce(context.Background(), record, l.acknowledged)
	}
}

// produceFirst writes the first records of all partitions, by a client that gives up none: more would be as wrong as fewer.
func (l *Load) produceFirst(ctx context.Context) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(l.cfg.Bootstrap, ",")...), kgo.DisableClientMetrics(),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MetadataMinAge(250*time.Millisecond), kgo.UnknownTopicRetries(-1))
	if err != nil {
		return err
	}
	defer client.Close()
	for topic, partitions := range l.partitions {
		for p := range partitions {
			for range firstRecords {
				client.Produce(ctx, &kgo.Record{Topic: topic, Partition: p, Value: []byte("record")}, l.acknowledged) // waits for room
			}
		}
	}
	if err := client.Flush(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for topic, ends := range l.ends {
		for p, end := range ends {
			if end != firstRecords {
				return fmt.Errorf("%s/%d has %d of %d", topic, p, end, firstRecords)
			}
		}
	}
	return nil
}

// acknowledged notes where a partition ends.
func (l *Load) acknowledged(r *kgo.Record, err error) {
	if err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ends[r.Topic][r.Partition] = max(l.ends[r.Topic][r.Partition], r.Offset+1)
}

// commit sets the offsets of a group; -1 leaves a partition as it is.
func (l *Load) commit(ctx context.Context, group, topic string, offsets []int64) error {
	commits := kadm.Offsets{}
	for p, offset := range offsets {
		if offset >= 0 {
			commits.AddOffset(topic, int32(p), offset, -1)
		}
	}
	l.intend(group, offsets)
	if err := l.admin.CommitAllOffsets(ctx, group, commits); err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.rests[group] = time.Now().Add(patience)
		return fmt.Errorf("committing for %s: %w", group, err)
	}
	return nil
}

// intend notes what is about to be committed. It may be, also where that seems to fail: what is committed next is no less, as the record
// takes commits to go one way.
func (l *Load) intend(group string, offsets []int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.commits[group] == nil {
		l.commits[group] = make([]int64, len(offsets))
	}
	for p, offset := range offsets {
		l.commits[group][p] = max(l.commits[group][p], offset)
	}
}

// produceSome writes 10 records in a second to each of 10 partitions.
func (l *Load) produceSome(context.Context) {
	for range 5 {
		l.mu.Lock()
		topic := l.topics[l.random.IntN(len(l.topics))]
		partition := l.random.IntN(len(l.ends[topic]))
		l.mu.Unlock()
		l.produce(topic, int32(partition), 2)
	}
}

// take makes a group busy, unless it is, or has a commit that may still come. It is called with mu held.
func (l *Load) take(group string) bool {
	if l.busy[group] || time.Now().Before(l.rests[group]) {
		return false
	}
	l.busy[group] = true
	return true
}

func (l *Load) release(group string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.busy, group)
}

// commitSome moves a group that only commits on in some partitions.
func (l *Load) commitSome(ctx context.Context) {
	l.mu.Lock()
	group := l.only[l.random.IntN(len(l.only))]
	if !l.take(group) {
		l.mu.Unlock()
		return
	}
	defer l.release(group)
	topic := l.topicOf[group]
	offsets := make([]int64, len(l.ends[topic]))
	for p, end := range l.ends[topic] {
		offsets[p] = -1
		if at := l.commits[group][p]; at < end && l.random.IntN(3) == 0 {
			offsets[p] = at + 1 + l.random.Int64N(end-at)
		}
	}
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_ = l.commit(ctx, group, topic, offsets) // or at another time
}

// wave moves the groups that scale something: for half a minute more is produced than read, and then less.
func (l *Load) wave(ctx context.Context) {
	for _, kind := range Kinds() {
		for i := 1; i < l.cfg.Scaled; i++ {
			name := fmt.Sprintf("%s-%d", kind, i)
			if (time.Now().Unix()/30+int64(i))%2 == 0 {
				l.produce(name, int32(time.Now().Unix()%scaledTopics), 3)
				continue
			}
			l.running.Go(func() { l.readSome(ctx, name) })
		}
	}
}

func (l *Load) readSome(ctx context.Context, group string) {
	l.mu.Lock()
	if !l.take(group) {
		l.mu.Unlock()
		return
	}
	defer l.release(group)
	offsets := make([]int64, len(l.ends[group]))
	for p, end := range l.ends[group] {
		at := l.commits[group][p]
		offsets[p] = at + (end-at+5)/6
	}
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_ = l.commit(ctx, group, group, offsets) // or at another time
}

// keepSteady writes some records and then commits as many: at every instant, the group's lag is SteadyLag at least.
func (l *Load) keepSteady(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	l.produceSteady(ctx, 5)
	l.mu.Lock()
	if !l.take(Steady) {
		l.mu.Unlock()
		return
	}
	defer l.release(Steady)
	commit := l.ends[Steady][0] - SteadyLag
	l.mu.Unlock()
	if commit > 0 {
		_ = l.commit(ctx, Steady, Steady, []int64{commit}) // or at its next turn
	}
}

func (l *Load) produceSteady(ctx context.Context, n int) {
	records := make([]*kgo.Record, n)
	for i := range records {
		records[i] = &kgo.Record{Topic: Steady, Value: []byte("record")}
	}
	for _, result := range l.client.ProduceSync(ctx, records...) {
		if result.Err == nil {
			l.mu.Lock()
			l.ends[Steady][0] = max(l.ends[Steady][0], result.Record.Offset+1)
			l.mu.Unlock()
		}
	}
}

// churn ends a consumer and starts another one in its place.
func (l *Load) churn(context.Context) {
	if len(l.consumed) == 0 {
		return
	}
	l.mu.Lock()
	c := l.consumed[l.random.IntN(len(l.consumed))]
	l.mu.Unlock()
	c.stop()
	_ = c.start() // fails only for options that are wrong, as at the first time
}
