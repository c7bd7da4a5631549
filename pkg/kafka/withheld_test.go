package kafka

import (
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// A right that is taken away from a topic takes the group's commits on it out of the coordinator's answer without a word. The rest is
// not the group's lag.
func TestRow11CommitsOnAForbiddenTopicAreNotGone(t *testing.T) {
	for name, read := range twoLanes() {
		for why, tc := range map[string]struct {
			code *kerr.Error // of the topic, asked for by name
			want lag.Class   // of the group's error; none if the topic is no longer the group's
		}{
			"forbidden":           {kerr.TopicAuthorizationFailed, lag.ClassAuthorization},
			"not answered":        {kerr.UnknownServerError, lag.ClassOther},
			"row 8, deleted":      {kerr.UnknownTopicOrPartition, ""},
			"the commits deleted": {nil, ""},
		} {
			t.Run(name+"/"+why, func(t *testing.T) {
				f := newFake(t, kfake.SeedTopics(1, "refunds"))
				f.produce("orders", 10, 0)
				f.produce("refunds", 5, 0)
				var less atomic.Bool
				f.answer(kmsg.OffsetFetch, func(req kmsg.Request) kmsg.Response {
					topics := []string{"orders", "refunds"}
					if less.Load() {
						topics = topics[:1]
					}
					resp, _, _ := commitsOn(topics...)(req)
					return resp
				})
				f.commit("billing", "orders", 0)
				r := f.reader()
				s := poll(t, r, nil)
				less.Store(true)
				if tc.code != nil {
					f.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: "refunds", Err: tc.code, Count: -1})
				}
				f.produce("orders", 1, 0)
				for range 3 {
					s = lag.Compute(s, read(t.Context(), r, s), nil)
				}
				value, err := lagOf(s, "billing")
				if reason := s.Group("billing").Reason(); tc.want == "" {
					if err != nil || reason != nil || value != 11 {
						t.Errorf("%d, %v, %v; want 11", value, err, reason)
					}
				} else if err != nil || lag.ClassOf(reason) != tc.want || value != 15 {
					t.Errorf("%d, %v, %v; want 15, as before", value, err, reason)
				}
			})
		}
	}
}
