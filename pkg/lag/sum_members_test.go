package lag_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

func TestMembersOfASelection(t *testing.T) {
	s := compute(lag.Policy{}, observe(0, topic("orders", log(0, 9), log(0, 9)), topic("refunds", log(0, 9)),
		group("billing", assigned("orders", 0), assigned("orders", 1), assigned("refunds", 0), assigned("orders"), subscribes("orders")),
		group("idle", subscribes(), subscribes()),
		group("other", commits("refunds", 3), membersFail(lag.ClassTimeout))))
	for _, tc := range []struct {
		name   string
		narrow []func(*lag.Selection)
		want   int64
	}{
		{"all of a group, with or without an assignment", nil, 5},
		{"a topic", []func(*lag.Selection){onTopics("orders")}, 2},
		{"a partition of every topic", []func(*lag.Selection){onPartitions(0)}, 2},
		{"one partition", []func(*lag.Selection){onTopics("orders"), onPartitions(1)}, 1},
	} {
		total, err := ask(s, 0, "billing", tc.narrow...)
		if err != nil || total.MembersErr != nil || total.Members != tc.want {
			t.Errorf("%s: %d members, %v, %v, want %d", tc.name, total.Members, total.MembersErr, err, tc.want)
		}
	}
	total, err := sumOver(s, 0, func(n string) bool { return n != "other" })
	if err != nil || total.Members != 7 {
		t.Errorf("with a group that has members but no partitions: %+v, %v", total, err)
	}
	total, err = sumOver(s, 0, nil)
	if err != nil || lag.ClassOf(total.MembersErr) != lag.ClassTimeout {
		t.Errorf("with a group whose members are unknown: %+v, %v", total, err)
	}
}

func TestMembersAgeByThemselves(t *testing.T) {
	commitsOnly := observe(5, topic("orders", log(0, 9)), group("billing", commits("orders", 3), membersFail(lag.ClassTimeout)))
	s := compute(lag.Policy{}, observe(0, topic("orders", log(0, 9)), group("billing", commits("orders", 3), subscribes("orders"))), commitsOnly)
	total, err := ask(s, 60, "billing")
	if wantLag(t, total, err, 6, 5); total.MembersErr != nil || total.Members != 1 {
		t.Errorf("%+v", total)
	}
	total, err = ask(s, 61, "billing")
	wantLag(t, total, err, 6, 5)
	var unknown *lag.UnknownError
	if !errors.As(total.MembersErr, &unknown) || !unknown.ReadAt.Equal(at(0)) || lag.ClassOf(unknown) != lag.ClassTimeout {
		t.Errorf("members: %v", total.MembersErr)
	}
}

// TestErrorsTellWhatToDo pins the whole texts: they are what an operator sees in the HPA's condition.
func TestErrorsTellWhatToDo(t *testing.T) {
	orders := topic("orders", log(0, 9), log(0, 9), endFails(lag.ClassLeadership))
	incomplete := observe(0, orders, topic("bare", log(0, 1)), group("billing", commits("orders", 1, 1)), group("idle"), group("mute", membersFail(lag.ClassTimeout)))
	ahead := observe(0, topic("orders", log(0, 9)), group("billing", commits("orders", 10)))
	loading := observe(5, group("billing", commitsFail(lag.ClassCoordinator)))
	for _, tc := range []struct {
		name string
		sum  func() (lag.Total, error)
		want string
	}{
		{"nothing collected", func() (lag.Total, error) {
			return lag.Sum(nil, lag.Selection{Groups: []string{"billing"}, What: "consumergroup=billing"}, at(0), maxAge)
		}, `whether more groups match consumergroup=billing is not known yet: no collection has ended yet`},
		{"misspelt", func() (lag.Total, error) { return ask(compute(lag.Policy{}, incomplete), 0, "biling") },
			`no consumer group matches consumergroup=biling: check the name and cluster, the adapter's --group-include and --group-exclude, that its Kafka user may Describe the group, and with --isolate-namespaces that the namespace is granted it`},
		{"no partition", func() (lag.Total, error) {
			return ask(compute(lag.Policy{}, incomplete), 0, "billing", onTopics("bare"))
		},
			`no partition matches consumergroup=billing, although the consumer group exists (billing): the group has not committed on, been assigned or subscribed to such a partition; ` +
				`check topic and partition, --topic-include and --topic-exclude, and that the adapter's Kafka user may Describe the topic`},
		{"no commits, members unread", func() (lag.Total, error) { return ask(compute(lag.Policy{}, incomplete), 0, "mute") },
			`the lag of consumer group "mute" is not known yet: it has no matching commits and its members are not known: Test at broker 1: failed on purpose: timeout`},
		{"one partition", func() (lag.Total, error) { return ask(compute(lag.Policy{}, incomplete), 0, "billing") },
			`the lag of consumer group "billing" is not known yet: topic "orders" partition 1: Test at broker 1: failed on purpose: leadership`},
		{"too old", func() (lag.Total, error) { return ask(compute(lag.Policy{}, healthy(0), loading), 65, "billing") },
			`the lag of consumer group "billing" is not known, it was last read 1m5s ago: Test at broker 1: failed on purpose: coordinator`},
		{"not read again", func() (lag.Total, error) { return ask(compute(lag.Policy{}, healthy(0)), 65, "billing") },
			`the lag of consumer group "billing" is not known, it was last read 1m5s ago: it was not read again`},
		{"commit beyond the end", func() (lag.Total, error) { return ask(compute(lag.Policy{}, ahead), 0, "billing") },
			`the lag of consumer group "billing" is not known yet: topic "orders" partition 0: OffsetFetch: the committed offset 10 is beyond the end of the log, 9: ` +
				`the log was truncated or the topic created anew; the group must commit again, or its offsets be reset`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			total, err := tc.sum()
			if err == nil || err.Error() != tc.want || total != (lag.Total{}) {
				t.Errorf("got %+v and\n%v\nwant\n%s", total, err, tc.want)
			}
		})
	}
}

func TestReasonIsThatOfTheSelectedTopic(t *testing.T) {
	s := compute(lag.Policy{}, observe(0, topic("a", topicFails(lag.ClassAuthorization)), topic("b", log(0, 9), endFails(lag.ClassTimeout)), group("billing", commits("a", 1), commits("b", 1))))
	total, err := ask(s, 0, "billing", onTopics("b"))
	wantUnknown(t, total, err, lag.ClassTimeout)
	if !strings.Contains(err.Error(), `topic "b" partition 0`) {
		t.Error(err)
	}
}

func TestWhatMembersThatWereNeverReadMayHaveIsNotAbsent(t *testing.T) {
	commitsOnly := observe(0, topic("orders", log(0, 9)), group("billing", commits("orders", 3), membersFail(lag.ClassTimeout)))
	s := compute(lag.Policy{}, commitsOnly, observe(5, topic("orders", log(0, 9)), group("billing", commitsFail(lag.ClassTimeout), membersNotRead)))
	total, err := ask(s, 5, "billing", onTopics("refunds"))
	wantUnknown(t, total, err, lag.ClassTimeout)
}

func TestAbsentErrorNamesAFewGroups(t *testing.T) {
	s := compute(lag.Policy{}, observe(0, group("a"), group("b"), group("c"), group("d"), group("e")))
	_, err := sumOver(s, 0, nil)
	if absent := wantAbsent(t, lag.Total{}, err); !strings.Contains(absent.What, "(a, b, c and 2 more)") {
		t.Error(absent)
	}
}
