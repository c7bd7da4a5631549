package lag_test

import (
	"cmp"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// The tests write observations as a list of parts, and times as seconds since an arbitrary moment:
//
//	observe(5, topic("orders", log(0, 100)), group("billing", commits("orders", 90)))
//
// is a collection that began at second 5, read the commits at once and the offsets half a second later.

const maxAge = 60 * time.Second

func at(second int) time.Time { return time.Unix(1_800_000_000+int64(second), 0) }

func offsetsAt(second int) time.Time { return at(second).Add(time.Second / 2) }

func failed(class lag.Class) error {
	return &lag.ReadError{Class: class, Broker: 1, Op: "Test", Err: errors.New("failed on purpose: " + string(class))}
}

type part func(*lag.Observation)

func observe(second int, parts ...part) *lag.Observation {
	o := &lag.Observation{Cluster: "test", StartedAt: at(second), MetadataReadAt: at(second)}
	for _, p := range parts {
		p(o)
	}
	slices.SortFunc(o.Topics, func(a, b lag.Topic) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(o.Groups, func(a, b lag.GroupObservation) int { return cmp.Compare(a.Name, b.Name) })
	return o
}

func metadataFails(class lag.Class) part {
	return func(o *lag.Observation) {
		o.MetadataErr, o.MetadataReadAt, o.Brokers, o.Topics = failed(class), time.Time{}, nil, nil
	}
}

func listingFails(class lag.Class) part {
	return func(o *lag.Observation) { o.ListingErr = failed(class) }
}

type topicPart func(t *topicDraft, readAt time.Time)

func topic(name string, parts ...topicPart) part {
	return func(o *lag.Observation) {
		t := topicDraft{Topic: lag.Topic{Name: name, ID: [16]byte{1}}}
		for _, p := range parts {
			p(&t, o.StartedAt.Add(time.Second/2))
		}
		setLogs(&t.Topic, t.logs)
		o.Topics = append(o.Topics, t.Topic)
	}
}

// log adds the next partition.
func log(start, end int64) topicPart {
	return func(t *topicDraft, readAt time.Time) {
		t.logs = append(t.logs, logRow{
			Partition: int32(len(t.logs)),
			Start:     lag.Offset{Value: start, ReadAt: readAt}, End: lag.Offset{Value: end, ReadAt: readAt}, LeaderEpoch: -1,
		})
	}
}

// edit changes the partition added last.
func edit(change func(p *logRow)) topicPart {
	return func(t *topicDraft, _ time.Time) { change(&t.logs[len(t.logs)-1]) }
}

func endFails(class lag.Class) topicPart {
	return edit(func(p *logRow) { p.End = lag.Offset{Err: failed(class)} })
}

func startFails(class lag.Class) topicPart {
	return edit(func(p *logRow) { p.Start = lag.Offset{Err: failed(class)} })
}

func id(b byte) topicPart { return func(t *topicDraft, _ time.Time) { t.ID = [16]byte{b} } }

func topicFails(class lag.Class) topicPart {
	return func(t *topicDraft, _ time.Time) { t.Err, t.ID = failed(class), [16]byte{} }
}

type groupPart func(g *lag.GroupObservation)

func group(name string, parts ...groupPart) part {
	return func(o *lag.Observation) {
		g := lag.GroupObservation{
			Name: name, Type: lag.GroupClassic, ProtocolType: "consumer", State: "Stable",
			MembersReadAt: o.StartedAt, CommitsReadAt: o.StartedAt,
		}
		for _, p := range parts {
			p(&g)
		}
		slices.SortStableFunc(g.Commits, func(a, b lag.TopicCommits) int { return cmp.Compare(a.Topic, b.Topic) })
		o.Groups = append(o.Groups, g)
	}
}

// commits gives the committed offsets of partitions 0, 1, …
func commits(topic string, offsets ...int64) groupPart {
	return func(g *lag.GroupObservation) {
		t := lag.TopicCommits{Topic: topic}
		for i, offset := range offsets {
			t.Partitions = append(t.Partitions, lag.Commit{Partition: int32(i), Offset: offset, LeaderEpoch: -1})
		}
		g.Commits = append(g.Commits, t)
	}
}

func commitsOf(topic string, rows ...commitRow) groupPart {
	return func(g *lag.GroupObservation) { g.Commits = append(g.Commits, topicCommits(topic, rows...)) }
}

// subscribes adds a member that subscribes to the topics.
func subscribes(topics ...string) groupPart {
	return func(g *lag.GroupObservation) { g.Members = append(g.Members, lag.Member{Subscribed: topics}) }
}

// assigned adds a member to which the partitions of the topic are assigned.
func assigned(topic string, partitions ...int32) groupPart {
	return func(g *lag.GroupObservation) {
		g.Members = append(g.Members, lag.Member{Assigned: []lag.TopicPartitions{{Topic: topic, Partitions: partitions}}})
	}
}

func state(name string) groupPart { return func(g *lag.GroupObservation) { g.State = name } }

func commitsFail(class lag.Class) groupPart {
	return func(g *lag.GroupObservation) {
		g.CommitsErr, g.CommitsReadAt, g.Commits = failed(class), time.Time{}, nil
	}
}

func membersFail(class lag.Class) groupPart {
	return func(g *lag.GroupObservation) {
		g.MembersErr, g.MembersReadAt, g.Members = failed(class), time.Time{}, nil
	}
}

func commitsNotRead(g *lag.GroupObservation) { g.CommitsReadAt, g.Commits = time.Time{}, nil }

func membersNotRead(g *lag.GroupObservation) { g.MembersReadAt, g.Members = time.Time{}, nil }

// compute feeds the observations through Compute, one after the other.
func compute(policy lag.Policy, observations ...*lag.Observation) (s *lag.Snapshot) {
	for _, o := range observations {
		s = lag.Compute(s, o, everyone(policy))
	}
	return s
}

// everyone gives all groups the same policy.
func everyone(p lag.Policy) lag.Policies { return func(string) lag.Policy { return p } }

// earliest is the policy under which partitions without a commit count.
func earliest() lag.Policy { return lag.Policy{OffsetReset: lag.ResetEarliest} }

// ask sums over the groups of that name, narrowed by the other parts of the selection.
func ask(s *lag.Snapshot, second int, groupName string, narrow ...func(*lag.Selection)) (lag.Total, error) {
	sel := lag.Selection{Groups: []string{groupName}, What: "consumergroup=" + groupName}
	for _, n := range narrow {
		n(&sel)
	}
	return lag.Sum([]*lag.Snapshot{s}, sel, at(second), maxAge)
}

func onTopics(names ...string) func(*lag.Selection) {
	return func(s *lag.Selection) { s.Topic = func(n string) bool { return slices.Contains(names, n) } }
}

func onPartitions(numbers ...int32) func(*lag.Selection) {
	return func(s *lag.Selection) { s.Partition = func(n int32) bool { return slices.Contains(numbers, n) } }
}

// wantLag expects a sum that was read at that second.
func wantLag(t *testing.T, got lag.Total, err error, want int64, readAt int) {
	t.Helper()
	switch {
	case err != nil:
		t.Errorf("got %v, want a lag of %d", err, want)
	case got.Lag != want || !got.ReadAt.Equal(at(readAt)):
		t.Errorf("got a lag of %d read at second %v, want %d read at second %d", got.Lag, got.ReadAt.Sub(at(0)).Seconds(), want, readAt)
	}
}

// wantUnknown expects that there is no sum, and that the reason has the class.
func wantUnknown(t *testing.T, got lag.Total, err error, class lag.Class) *lag.UnknownError {
	t.Helper()
	var unknown *lag.UnknownError
	switch {
	case !errors.As(err, &unknown):
		t.Fatalf("got %+v and %v, want an UnknownError", got, err)
	case got != lag.Total{}:
		t.Errorf("%+v beside the error %v", got, err)
	case lag.ClassOf(err) != class:
		t.Errorf("class %s of %v, want %s", lag.ClassOf(err), err, class)
	}
	return unknown
}

func wantAbsent(t *testing.T, got lag.Total, err error) *lag.AbsentError {
	t.Helper()
	var absent *lag.AbsentError
	if !errors.As(err, &absent) || got != (lag.Total{}) {
		t.Fatalf("got %+v and %v, want an AbsentError", got, err)
	}
	return absent
}
