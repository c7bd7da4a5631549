package kafka

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// A member that has not committed anything: the group's lag is what its reset policy says, also after records were deleted.
func TestRow5PartitionsWithoutACommit(t *testing.T) {
	f := newFake(t)
	f.produce("orders", 10, 0, 1, 2, 3)
	client := f.newClient(kgo.ConsumerGroup("billing"), kgo.ConsumeTopics("orders"), kgo.DisableAutoCommit())
	if fetches := client.PollRecords(t.Context(), 1); fetches.Err() != nil {
		t.Fatal(fetches.Err())
	}
	earliest := func(string) lag.Policy { return lag.Policy{OffsetReset: lag.ResetEarliest} }
	ask := func(policies lag.Policies, prev *lag.Snapshot) (*lag.Snapshot, int64) {
		t.Helper()
		s := lag.Compute(prev, f.reader(func(c *Config) { c.Policy = policies }).Read(t.Context(), prev), policies)
		total, err := lag.Sum([]*lag.Snapshot{s}, lag.Selection{Groups: []string{"billing"}, What: "billing"}, time.Now(), time.Minute)
		if err != nil || total.Partitions != 4 {
			t.Fatalf("%+v, %v", total, err)
		}
		return s, total.Lag
	}
	if _, value := ask(nil, nil); value != 0 {
		t.Errorf("latest: %d", value)
	}
	s, value := ask(earliest, nil)
	if value != 40 {
		t.Errorf("earliest: %d", value)
	}
	if err := f.DeleteRecords("orders", 2, 7); err != nil {
		t.Fatal(err)
	}
	if _, value := ask(earliest, s); value != 33 {
		t.Errorf("earliest, after 7 records were deleted: %d", value)
	}
}

// Brokers that are too old for what is asked answer something else: the high watermark for the last stable offset, and no topic at
// all for all of them. Neither may pass for the answer.
func TestRow12AnswersToAnotherQuestionAreNotBelieved(t *testing.T) {
	old := func(key kmsg.Key, version int16) *fake {
		versions := kversion.V2_1_0()
		versions.SetMaxKeyVersion(int16(key), version)
		f := newFake(t, kfake.MaxVersions(versions))
		f.produce("orders", 5, 0)
		f.commit("billing", "orders", 2)
		return f
	}
	readCommitted := func(c *Config) { c.Policy = func(string) lag.Policy { return lag.Policy{ReadCommitted: true} } }
	p := logs(topic(t, old(kmsg.ListOffsets, 1).reader(readCommitted).Read(t.Context(), nil), "orders"))[0]
	if p.End.Err != nil || lag.ClassOf(p.LastStable.Err) != lag.ClassUnsupported || !p.LastStable.ReadAt.IsZero() {
		t.Errorf("last stable offset %+v beside the end %+v", p.LastStable, p.End)
	}
	if g := group(t, old(kmsg.OffsetFetch, 1).reader().Read(t.Context(), nil), "billing"); lag.ClassOf(g.CommitsErr) != lag.ClassUnsupported || !g.CommitsReadAt.IsZero() {
		t.Errorf("commits %+v, %v", g.Commits, g.CommitsErr)
	}
}
