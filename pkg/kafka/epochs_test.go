package kafka

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// commitIn commits one offset on partition 0 of orders, as of a record of that leader epoch.
func (f *fake) commitIn(group string, epoch int32, offset int64) {
	f.t.Helper()
	var commits kadm.Offsets
	commits.AddOffset("orders", 0, offset, epoch)
	if err := kadm.NewClient(f.client).CommitAllOffsets(f.t.Context(), group, commits); err != nil {
		f.t.Fatal(err)
	}
}

// elect makes the next broker the leader of partition 0 of orders, which begins a leader epoch with n records.
func (f *fake) elect(n int) {
	f.t.Helper()
	if err := f.MoveTopicPartition("orders", 0, (f.LeaderFor("orders", 0)+1)%3); err != nil {
		f.t.Fatal(err)
	}
	f.produce("orders", n, 0)
}

// epochEnds answers all questions for the ends of epochs.
func (f *fake) epochEnds(answer func(*kmsg.OffsetForLeaderEpochResponse, *kmsg.OffsetForLeaderEpochRequest)) {
	f.answer(kmsg.OffsetForLeaderEpoch, func(req kmsg.Request) kmsg.Response {
		resp := req.ResponseKind().(*kmsg.OffsetForLeaderEpochResponse)
		answer(resp, req.(*kmsg.OffsetForLeaderEpochRequest))
		return resp
	})
}

// tells answers one question.
func tells(epoch int32, end int64, code int16) func(*kmsg.OffsetForLeaderEpochResponse, *kmsg.OffsetForLeaderEpochRequest) {
	return func(resp *kmsg.OffsetForLeaderEpochResponse, req *kmsg.OffsetForLeaderEpochRequest) {
		row := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
		row.Partition, row.LeaderEpoch, row.EndOffset, row.ErrorCode = req.Topics[0].Partitions[0].Partition, epoch, end, code
		resp.Topics = append(resp.Topics, kmsg.OffsetForLeaderEpochResponseTopic{
			Topic: req.Topics[0].Topic, Partitions: []kmsg.OffsetForLeaderEpochResponseTopicPartition{row},
		})
	}
}

// twoLanes are the ways to read billing and audit.
func twoLanes() map[string]func(context.Context, *Reader, *lag.Snapshot) *lag.Observation {
	return map[string]func(context.Context, *Reader, *lag.Snapshot) *lag.Observation{
		"all": func(ctx context.Context, r *Reader, s *lag.Snapshot) *lag.Observation { return r.Read(ctx, s) },
		"wanted": func(ctx context.Context, r *Reader, s *lag.Snapshot) *lag.Observation {
			return r.ReadGroups(ctx, s, []string{"billing", "audit"})
		},
	}
}

func lagOf(s *lag.Snapshot, group string) (int64, error) {
	total, err := lag.Sum([]*lag.Snapshot{s}, lag.Selection{Groups: []string{group}, What: group}, time.Now(), time.Minute)
	return total.Lag, err
}

// Leaders are asked where an epoch ended only if an offset was committed in it and another one has begun, once for each.
func TestRow7EndsOfEpochsAreAskedForOnce(t *testing.T) {
	for name, read := range twoLanes() {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.produce("orders", 10, 0)
			f.commitIn("billing", 0, 4)
			f.commitIn("audit", -1, 5)
			var sent requests
			r := f.reader(counting(&sent))
			s := poll(t, r, nil)
			asked := func(want int) {
				t.Helper()
				byKey, _ := sent.during(func() { s = lag.Compute(s, read(t.Context(), r, s), nil) })
				if byKey[kmsg.OffsetForLeaderEpoch] != want {
					t.Errorf("asked %d times, want %d", byKey[kmsg.OffsetForLeaderEpoch], want)
				}
				for _, group := range []string{"billing", "audit"} {
					end := logs(s.Topic("orders"))[0].End.Value
					orders := &s.Group(group).Topics[0]
					if row := &orders.Partitions[0]; orders.RowErr(row) != nil || row.Lag != end-row.Committed {
						t.Errorf("%s: %+v, %v, where the log ends at %d", group, row, orders.RowErr(row), end)
					}
				}
			}
			asked(0)
			f.elect(3)
			asked(1) // in the collection that notices the new leader
			asked(0)
			f.elect(3)
			asked(1) // another leader's answer may be another one
			f.commitIn("audit", 1, 11)
			asked(1)
			f.elect(3)
			asked(2) // for the two epochs
			asked(0)
			f.commitIn("audit", 3, 15)
			f.commitIn("billing", 3, 18)
			asked(0)
			if value, err := lagOf(s, "billing"); err != nil || value != 1 {
				t.Errorf("%d, %v", value, err)
			}
		})
	}
}

// A log that was truncated to 3 records and is longer than ever now.
func TestRow7TruncatedAndGrownAgain(t *testing.T) {
	for name, read := range twoLanes() {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.produce("orders", 10, 0)
			f.commitIn("billing", 0, 4)
			f.commitIn("audit", 0, 3)
			r := f.reader()
			s := poll(t, r, nil)
			f.epochEnds(tells(0, 3, 0))
			f.elect(20)
			s = lag.Compute(s, read(t.Context(), r, s), nil)
			if value, err := lagOf(s, "billing"); lag.ClassOf(err) != lag.ClassOffsetRange {
				t.Errorf("%d, %v", value, err)
			}
			if value, err := lagOf(s, "audit"); err != nil || value != 27 {
				t.Errorf("%d, %v of a commit that lies before", value, err)
			}
			f.commitIn("billing", 1, 6)
			s = lag.Compute(s, read(t.Context(), r, s), nil)
			if value, err := lagOf(s, "billing"); err != nil || value != 24 {
				t.Errorf("%d, %v of the commit after", value, err)
			}
		})
	}
}

// What a leader answers to one question concerns the commits that it is about, and no others.
func TestRow7EndsOfEpochsThatAreNotTold(t *testing.T) {
	ignored := func(*kmsg.OffsetForLeaderEpochResponse, *kmsg.OffsetForLeaderEpochRequest) {}
	twice := func(resp *kmsg.OffsetForLeaderEpochResponse, req *kmsg.OffsetForLeaderEpochRequest) {
		tells(0, 10, 0)(resp, req)
		tells(0, 10, 0)(resp, req)
	}
	elsewhere := func(resp *kmsg.OffsetForLeaderEpochResponse, req *kmsg.OffsetForLeaderEpochRequest) {
		tells(0, 10, 0)(resp, req)
		resp.Topics[0].Partitions[0].Partition = 3
		tells(0, 10, 0)(resp, req)
		resp.Topics[1].Topic = "never heard of"
	}
	for name, tc := range map[string]struct {
		answer func(*kmsg.OffsetForLeaderEpochResponse, *kmsg.OffsetForLeaderEpochRequest)
		class  lag.Class
		lost   bool // the commit is known to be of another log
	}{
		"forbidden":         {tells(-1, -1, kerr.TopicAuthorizationFailed.Code), lag.ClassAuthorization, false},
		"another leader":    {tells(-1, -1, kerr.FencedLeaderEpoch.Code), lag.ClassLeadership, false},
		"left out":          {ignored, lag.ClassProtocol, false},
		"twice":             {twice, lag.ClassProtocol, false},
		"of something else": {elsewhere, lag.ClassProtocol, false},
		"of a later epoch":  {tells(1, 10, 0), lag.ClassProtocol, false},
		"no such epoch":     {tells(-1, -1, 0), lag.ClassOffsetRange, true},
		"an odd offset":     {tells(0, -7, 0), lag.ClassOffsetRange, true},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.produce("orders", 10, 0)
			f.commitIn("billing", 0, 4)
			f.commitIn("audit", -1, 4)
			r := f.reader()
			before := poll(t, r, nil)
			f.elect(5)
			f.epochEnds(tc.answer)
			for prev, stale := range map[*lag.Snapshot]bool{before: !tc.lost, nil: false} {
				s := poll(t, r, prev)
				orders := &s.Group("billing").Topics[0]
				err := orders.RowErr(&orders.Partitions[0])
				if lag.ClassOf(err) != tc.class || err == nil {
					t.Errorf("%+v, %v", orders.Partitions[0], err)
				}
				if value, err := lagOf(s, "billing"); stale && (err != nil || value != 6) || !stale && err == nil {
					t.Errorf("%d, %v, the value before is to be kept: %v", value, err, stale)
				}
				if value, err := lagOf(s, "audit"); err != nil || value != 11 {
					t.Errorf("another group: %d, %v", value, err)
				}
			}
		})
	}
}

// A broker that cannot be asked is named, and believed as far as it can be.
func TestRow12BrokersThatDoNotTellTheEndsOfEpochs(t *testing.T) {
	versions := kversion.Stable()
	versions.SetMaxKeyVersion(int16(kmsg.OffsetForLeaderEpoch), -1)
	f := newFake(t, kfake.MaxVersions(versions))
	f.produce("orders", 10, 0)
	f.commitIn("billing", 0, 4)
	f.elect(5)
	s := poll(t, f.reader(), nil)
	if value, err := lagOf(s, "billing"); err != nil || value != 11 {
		t.Errorf("%d, %v", value, err)
	}
	if lacking := s.Brokers[0].Lacking; !slices.Contains(lacking, lag.CapabilityEpochEnds) {
		t.Errorf("lacking %v", lacking)
	}
}

// A leader that does not answer keeps no other leader's partitions waiting.
func TestRow1HungLeaderDelaysNoEndsOfEpochsElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeInMemory(t)
		f.produce("orders", 10, 0, 1)
		f.commitIn("billing", 0, 4)
		f.elect(5)
		if f.LeaderFor("orders", 1) == f.LeaderFor("orders", 0) {
			f.elect(0)
			f.produce("orders", 5, 0)
		}
		hung := f.LeaderFor("orders", 1)
		f.ControlKey(int16(kmsg.ListOffsets), func(kmsg.Request) (kmsg.Response, error, bool) {
			f.KeepControl()
			return nil, nil, f.CurrentNode() == hung
		})
		s := poll(t, f.reader(), nil)
		if value, err := lagOf(s, "billing"); err != nil || value != logs(s.Topic("orders"))[0].End.Value-4 {
			t.Errorf("%d, %v", value, err)
		}
		if err := logs(s.Topic("orders"))[1].End.Err; lag.ClassOf(err) != lag.ClassTimeout {
			t.Errorf("the hung leader's partition: %v", err)
		}
	})
}

// A second attempt, where a leader has moved, adds to what the first one brought.
func TestRow2EndsOfEpochsOfTwoAttempts(t *testing.T) {
	f := newFake(t)
	f.produce("orders", 10, 0, 1)
	var commits kadm.Offsets
	commits.AddOffset("orders", 0, 4, 0)
	commits.AddOffset("orders", 1, 5, 0)
	if err := kadm.NewClient(f.client).CommitAllOffsets(t.Context(), "billing", commits); err != nil {
		t.Fatal(err)
	}
	f.elect(3)
	r := f.reader()
	s := poll(t, r, nil)
	if err := f.MoveTopicPartition("orders", 1, (f.LeaderFor("orders", 1)+1)%3); err != nil {
		t.Fatal(err)
	}
	f.produce("orders", 3, 1)
	obs := r.ReadGroups(t.Context(), s, []string{"billing"})
	want := []lag.EpochEnd{{Partition: 0, LeaderEpoch: 1, End: 10}, {Partition: 1, LeaderEpoch: 1, End: 10}}
	if got := topic(t, obs, "orders").EpochEnds; !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if value, err := lagOf(lag.Compute(s, obs, nil), "billing"); err != nil || value != 9+8 {
		t.Errorf("%d, %v", value, err)
	}
}

// A leader that tells where its logs end but not where its epochs do is believed in what it tells.
func TestRow1HungQuestionForEpochsConcernsItsCommitsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeInMemory(t)
		f.produce("orders", 10, 0)
		f.commitIn("billing", 0, 4)
		f.commitIn("audit", -1, 4)
		r := f.reader(func(c *Config) { c.Timeout = time.Second })
		s := poll(t, r, nil)
		f.elect(5)
		f.ControlKey(int16(kmsg.OffsetForLeaderEpoch), func(kmsg.Request) (kmsg.Response, error, bool) {
			f.KeepControl()
			return nil, nil, true
		})
		s = poll(t, r, s)
		if value, err := lagOf(s, "audit"); err != nil || value != 11 {
			t.Errorf("a commit without an epoch: %d, %v", value, err)
		}
		orders := &s.Group("billing").Topics[0]
		rowErr := orders.RowErr(&orders.Partitions[0])
		if value, err := lagOf(s, "billing"); err != nil || value != 6 || lag.ClassOf(rowErr) != lag.ClassTimeout {
			t.Errorf("%d, %v; %v: want the value before", value, err, rowErr)
		}
	})
}
