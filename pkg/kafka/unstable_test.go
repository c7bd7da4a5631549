package kafka

import (
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// commitInTransaction commits an offset on partition 0 of orders in a transaction that stays open, as consume-transform-produce does.
func (f *fake) commitInTransaction(group string, offset int64) {
	f.t.Helper()
	txn, ctx := "pending", f.t.Context()
	client := f.newClient(kgo.TransactionalID(txn))
	id, epoch, err := client.ProducerID(ctx)
	if err != nil {
		f.t.Fatal(err)
	}
	add := kmsg.NewPtrAddOffsetsToTxnRequest()
	add.TransactionalID, add.ProducerID, add.ProducerEpoch, add.Group = txn, id, epoch, group
	added, err := add.RequestWith(ctx, client)
	if err = errors.Join(err, kerr.ErrorForCode(added.ErrorCode)); err != nil {
		f.t.Fatal(err)
	}
	commit := kmsg.NewPtrTxnOffsetCommitRequest()
	commit.TransactionalID, commit.ProducerID, commit.ProducerEpoch, commit.Group = txn, id, epoch, group
	row := kmsg.NewTxnOffsetCommitRequestTopicPartition()
	row.Offset = offset
	commit.Topics = []kmsg.TxnOffsetCommitRequestTopic{{Topic: "orders", TopicID: f.TopicInfo("orders").TopicID, Partitions: []kmsg.TxnOffsetCommitRequestTopicPartition{row}}}
	resp, err := commit.RequestWith(ctx, client)
	if err = errors.Join(err, kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode)); err != nil {
		f.t.Fatal(err)
	}
}

// An offset that is committed in an open transaction does not count: if the transaction is aborted, the group reads those records
// again. Brokers tell the one before, as we do not require a stable one (KIP-447), with which they would tell none.
func TestRow9PendingCommitsDoNotCount(t *testing.T) {
	f := newFake(t)
	f.produce("orders", 10, 0)
	f.commit("billing", "orders", 4)
	f.commitInTransaction("billing", 9)
	stable := kmsg.NewPtrOffsetFetchRequest() // shows that a stable offset is not to be had
	stable.RequireStable = true
	one := kmsg.NewOffsetFetchRequestGroup()
	one.Group = "billing"
	stable.Groups = append(stable.Groups, one)
	resp, err := stable.RequestWith(t.Context(), f.client)
	if err != nil || resp.Groups[0].Topics[0].Partitions[0].ErrorCode != kerr.UnstableOffsetCommit.Code {
		t.Fatalf("%+v, %v: the transaction does not hold the offset", resp, err)
	}
	for name, read := range twoLanes() {
		r := f.reader()
		s := poll(t, r, nil)
		s = lag.Compute(s, read(t.Context(), r, s), nil)
		if value, err := lagOf(s, "billing"); err != nil || value != 6 {
			t.Errorf("lane %s: %d, %v", name, value, err)
		}
	}
}

// A broker that calls an offset unstable all the same says nothing of the other partitions, and the value before stays.
func TestRow9UnstableOffsetIsOnePartitions(t *testing.T) {
	for name, read := range twoLanes() {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.produce("orders", 10, 0, 1)
			f.commit("billing", "orders", 4, 7)
			r := f.reader()
			s := poll(t, r, nil)
			f.answer(kmsg.OffsetFetch, func(req kmsg.Request) kmsg.Response {
				resp, _, _ := commitsOn("orders")(req)
				for i := range resp.(*kmsg.OffsetFetchResponse).Groups {
					topic := &resp.(*kmsg.OffsetFetchResponse).Groups[i].Topics[0]
					unstable := kmsg.NewOffsetFetchResponseGroupTopicPartition()
					unstable.Partition, unstable.Offset, unstable.ErrorCode = 1, -1, kerr.UnstableOffsetCommit.Code
					topic.Partitions = append(topic.Partitions[:1], unstable)
				}
				return resp
			})
			f.produce("orders", 1, 0, 1)
			s = lag.Compute(s, read(t.Context(), r, s), nil)
			orders := &s.Group("billing").Topics[0]
			rows := orders.Partitions
			if len(rows) != 2 || orders.RowErr(&rows[0]) != nil || rows[0].Lag != 11 {
				t.Errorf("%+v", rows)
			}
			if err := orders.RowErr(&rows[1]); !errors.Is(err, kerr.UnstableOffsetCommit) || rows[1].Lag != 3 {
				t.Errorf("%+v, %v", rows[1], err)
			}
			if value, err := lagOf(s, "billing"); err != nil || value != 9 {
				t.Errorf("the sum before is %d, %v", value, err)
			}
		})
	}
}
