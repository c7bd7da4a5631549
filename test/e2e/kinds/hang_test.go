package kinds

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/kafka"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/oracle"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/series"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// TestHungBroker stops one of three brokers without closing its connections (row 1): only what it coordinates and leads gets old
// and then absent; the rest stays as fresh as ever, and goes on changing. It makes no difference whether the broker is the active
// controller too: another one takes over.
func TestHungBroker(t *testing.T) {
	for name, controls := range map[string]bool{"hang-follower-": false, "hang-controller-": true} {
		t.Run(name, func(t *testing.T) {
			ctx := suite.Within(t, 3*time.Minute)
			hangs(ctx, t, name, nodeThat(ctx, t, controls))
		})
	}
}

func hangs(ctx context.Context, t *testing.T, prefix string, node *kafka.Node) {
	t.Helper()
	groups := groupsByBroker(ctx, t, prefix)
	hungID, hung := int32(node.ID), node.Process()
	agrees(ctx, t, shared.Oracle, shared.exporter, prefix)

	began := time.Now()
	stop := watch(ctx, t, shared.exporter)
	suite.Try(t, hung.Pause())
	t.Cleanup(func() { suite.Try(t, hung.Resume()) })
	awaitLag(ctx, t, "the hung broker's group to be unknown", groups[hungID], func(_ float64, known bool) bool { return !known })
	absent := time.Now()
	for id, group := range groups { // their leaders go on without the hung replica
		if id != hungID {
			suite.Try(t, produceTo(ctx, group, 5, node))
			awaitLag(ctx, t, "5 more records", group, func(lag float64, known bool) bool { return known && lag == 12 })
		}
	}
	resumed := time.Now()
	suite.Try(t, hung.Resume())
	back, cancel := context.WithTimeoutCause(ctx, 30*time.Second, errors.New("not within 30 s of its return"))
	defer cancel()
	awaitLag(back, t, "the hung broker's group to be known", groups[hungID], func(lag float64, known bool) bool { return known && lag == 7 })
	t.Logf("known again %s after its return", time.Since(resumed))
	agrees(ctx, t, shared.Oracle, shared.exporter, prefix)
	samples := stop()

	var rows []row
	before, after := epoch{"before", began, time.Now(), map[row]int64{}}, epoch{"after", began, time.Now(), map[row]int64{}}
	for _, group := range groups {
		r := row{group, oracle.Partition{Topic: group}}
		rows = append(rows, r)
		before.lags[r], after.lags[r] = 7, 12
	}
	delete(after.lags, row{groups[hungID], oracle.Partition{Topic: groups[hungID]}})
	check(t, samples, rows, []epoch{before, after})
	for id, group := range groups {
		if id == hungID {
			checkAged(t, samples, group, began, absent)
		} else {
			checkFresh(t, samples, group, resumed)
		}
	}
}

// checkFresh wants a group that has nothing to do with the hung broker to be at most 2 polls old. Half a poll is added for the
// time between a poll's begin and its publication and for this machine's noise; and as 2 cores run 3 brokers, 2 more JVMs and
// whatever else, one sample in twenty may be older. A group that waited for the hung broker would be older in all samples.
func checkFresh(t *testing.T, samples []sample, group string, until time.Time) {
	t.Helper()
	old, all, oldest := 0, 0, time.Duration(0)
	for _, s := range samples {
		if s.at.After(until) {
			break
		}
		all++
		age := s.at.Sub(s.readAt(group))
		oldest = max(oldest, age)
		if age > 2*pollInterval+pollInterval/2 {
			old++
		}
	}
	t.Logf("%s: of %d samples, %d are older than 2 polls; the oldest is %s", group, all, old, oldest)
	if all == 0 || old*20 > all {
		t.Errorf("%s: %d of %d samples are older than 2 polls, the oldest is %s", group, old, all, oldest)
	}
}

// checkAged wants the group of the hung broker to have been served with its old time, and no longer than max-age.
func checkAged(t *testing.T, samples []sample, group string, began, absent time.Time) {
	t.Helper()
	stale := 0
	for _, s := range samples {
		_, known := s.lag(row{group, oracle.Partition{Topic: group}})
		age := s.at.Sub(s.readAt(group))
		if s.at.Before(absent) && known && age > 2*pollInterval {
			stale++
		}
		// A scrape may have been answered up to an interval before the sample's time.
		if known && age > maxAge+pollInterval {
			t.Errorf("%s is still shown %s after it was read", group, age)
		}
	}
	if stale == 0 {
		t.Errorf("%s was never shown with an older time in the %s until it was absent", group, absent.Sub(began))
	}
}

func awaitLag(ctx context.Context, t *testing.T, what, group string, so func(lag float64, known bool) bool) {
	t.Helper()
	suite.Try(t, await.Until(ctx, what, func(ctx context.Context) error {
		got, err := shared.exporter.Scrape(ctx)
		if err != nil {
			return err
		}
		lag, known := got[series.Name("kafka_consumergroup_lag_sum", "consumergroup", group, "topic", group)]
		if !so(lag, known) {
			return fmt.Errorf("%s: a lag of %v, known: %v", group, lag, known)
		}
		return nil
	}))
}

// groupsByBroker makes a group for each broker, which coordinates it and leads the topic of the same name, with a lag of 7.
func groupsByBroker(ctx context.Context, t *testing.T, prefix string) map[int32]string {
	t.Helper()
	groups := map[int32]string{}
	clients := shared.Workload()
	suite.Try(t, clients.Admin(func(admin *kadm.Client) error {
		return await.Until(ctx, "a group of each broker", func(ctx context.Context) error { return nameByBroker(ctx, admin, prefix, groups) })
	}))
	for id, group := range groups {
		suite.Try(t, createLedBy(ctx, group, id))
		suite.Try(t, produceTo(ctx, group, 10, nil))
		suite.Try(t, clients.Commit(ctx, group, group, map[int32]int64{0: 3}))
	}
	return groups
}

// nameByBroker looks for a name that each broker coordinates.
func nameByBroker(ctx context.Context, admin *kadm.Client, prefix string, groups map[int32]string) error {
	const most = 100
	for n := 0; n < most && len(groups) < len(shared.Kafka.Nodes()); n++ {
		name := prefix + strconv.Itoa(n)
		for _, found := range admin.FindGroupCoordinators(ctx, name) {
			if found.Err != nil { // in a new cluster, the first question creates the topic of the commits
				return found.Err
			}
			if _, have := groups[found.NodeID]; !have {
				groups[found.NodeID] = name
			}
		}
	}
	if len(groups) < len(shared.Kafka.Nodes()) {
		return fmt.Errorf("of %d groups, none is coordinated by some of the brokers: %v", most, groups)
	}
	return nil
}

// nodeThat returns a node that is, or is not, the active controller.
func nodeThat(ctx context.Context, t *testing.T, controls bool) *kafka.Node {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(shared.Kafka.Nodes()[0].Address()), kgo.DisableClientMetrics())
	suite.Try(t, err)
	defer client.Close()
	request := kmsg.NewPtrDescribeQuorumRequest()
	metadata := kmsg.NewDescribeQuorumRequestTopic()
	metadata.Topic = "__cluster_metadata"
	metadata.Partitions = append(metadata.Partitions, kmsg.NewDescribeQuorumRequestTopicPartition())
	request.Topics = append(request.Topics, metadata)
	answer, err := request.RequestWith(ctx, client)
	suite.Try(t, err)
	active := answer.Topics[0].Partitions[0].LeaderID
	nodes := shared.Kafka.Nodes()
	i := slices.IndexFunc(nodes, func(n *kafka.Node) bool { return (int32(n.ID) == active) == controls })
	if i < 0 {
		t.Fatalf("the active controller is %d, which is none of %d nodes", active, len(nodes))
	}
	return nodes[i]
}

// createLedBy makes a topic of one partition on all brokers, which one of them leads.
func createLedBy(ctx context.Context, topic string, leader int32) error {
	replicas := []int32{leader}
	for _, n := range shared.Kafka.Nodes() {
		if id := int32(n.ID); id != leader {
			replicas = append(replicas, id)
		}
	}
	request := kmsg.NewPtrCreateTopicsRequest()
	wanted := kmsg.NewCreateTopicsRequestTopic()
	wanted.Topic, wanted.NumPartitions, wanted.ReplicationFactor = topic, -1, -1
	assignment := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
	assignment.Replicas = replicas
	wanted.ReplicaAssignment = append(wanted.ReplicaAssignment, assignment)
	request.Topics = append(request.Topics, wanted)
	client, err := kgo.NewClient(kgo.SeedBrokers(shared.Kafka.Nodes()[0].Address()), kgo.DisableClientMetrics())
	if err != nil {
		return err
	}
	defer client.Close()
	answer, err := request.RequestWith(ctx, client)
	if err != nil {
		return fmt.Errorf("creating %s: %w", topic, err)
	}
	for _, created := range answer.Topics {
		if err := kerr.ErrorForCode(created.ErrorCode); err != nil {
			return fmt.Errorf("creating %s: %w", topic, err)
		}
	}
	return nil
}

// produceTo writes records that only the leader has to have: the hung broker is a replica until its leader has given it up.
// It is not among the seeds, so that it is not asked for anything.
func produceTo(ctx context.Context, topic string, n int, hung *kafka.Node) error {
	var seeds []string
	for _, node := range shared.Kafka.Nodes() {
		if node != hung {
			seeds = append(seeds, node.Address())
		}
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(seeds...), kgo.DisableClientMetrics(),
		kgo.DefaultProduceTopic(topic), kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite(),
		kgo.RetryTimeout(20*time.Second), kgo.RequestTimeoutOverhead(2*time.Second))
	if err != nil {
		return err
	}
	defer client.Close()
	for i := range n {
		record := kgo.StringRecord(fmt.Sprintf("record %d", i))
		if err := client.ProduceSync(ctx, record).FirstErr(); err != nil {
			return fmt.Errorf("producing to %s: %w", topic, err)
		}
	}
	return nil
}
