package lag_test

import (
	"slices"
	"testing"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

func TestKeep(t *testing.T) {
	orders, refunds := topic("orders", log(0, 100)), topic("refunds", log(0, 10))
	o := observe(0, orders, refunds,
		group("billing", commits("orders", 90), commits("refunds", 4), subscribes("orders", "refunds"), assigned("refunds", 0)),
		group("other", commits("refunds", 1)))
	o.Uncollected = []lag.UncollectedGroup{{Name: "beyond"}, {Name: "bill"}}
	s := compute(lag.Policy{}, o, observe(5, orders, topic("refunds", log(0, 10), endFails(lag.ClassTimeout)),
		group("billing", commits("orders", 91), commits("refunds", 4), membersNotRead), group("other", commits("refunds", 1))))
	s.Uncollected = o.Uncollected
	before := *s.Group("billing")

	kept := s.Keep(func(name string) bool { return name[0] == 'b' }, func(name string) bool { return name == "orders" })
	if kept.Group("other") != nil || kept.UncollectedGroup("bill") == nil || kept.Topic("refunds") != nil || kept.Topic("orders") == nil {
		t.Errorf("kept: %+v", kept)
	}
	total, err := ask(kept, 5, "billing") // what could not be read is no longer asked for
	wantLag(t, total, err, 9, 5)
	if m := kept.Group("billing").Members; len(m) != 2 || !slices.Equal(m[0].Subscribed, []string{"orders"}) || len(m[1].Assigned) != 0 {
		t.Errorf("members: %+v", m)
	}
	// The next collection, in which the topic is not read any more and the members are not read again, knows of no gap.
	next := lag.Compute(kept, observe(10, orders, group("billing", commits("orders", 92), membersNotRead)), everyone(earliest()))
	total, err = ask(next, 10, "billing")
	wantLag(t, total, err, 8, 10)

	// The snapshot itself has not changed.
	total, err = ask(s, 5, "billing")
	wantLag(t, total, err, 16, 0) // the last complete reading
	if after := s.Group("billing"); s.Group("other") == nil || len(s.Uncollected) != 2 || len(after.Topics) != len(before.Topics) || len(after.Members[1].Assigned) != 1 {
		t.Errorf("the snapshot has become %+v", s)
	}
	// Where the latest reading lacks something, the sum is of the last one that did not, without what is not kept.
	a, b, c := topic("a", log(0, 1)), topic("b", log(0, 2)), topic("c", log(0, 4))
	all3 := group("g", commits("a", 0), commits("b", 0), commits("c", 0))
	s3 := compute(lag.Policy{}, observe(0, a, b, c, all3), observe(5, a, topic("b", log(0, 9), endFails(lag.ClassTimeout)), c, all3))
	total, err = ask(s3.Keep(nil, func(name string) bool { return name != "c" }), 5, "g")
	wantLag(t, total, err, 3, 0)
	if all := s.Keep(nil, nil); len(all.Groups) != 2 || len(all.Topics) != 2 || len(all.Uncollected) != 2 {
		t.Errorf("all: %+v", all)
	}
}
