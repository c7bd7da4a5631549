package kafka

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// describedBody is the answer to DescribeGroups about groups that consume topic "t", each with so many members.
func describedBody(version int16, members int, groups ...string) []byte {
	resp := kmsg.NewPtrDescribeGroupsResponse()
	resp.Version = version
	for _, name := range groups {
		g := kmsg.NewDescribeGroupsResponseGroup()
		g.Group, g.State, g.ProtocolType, g.Protocol = name, "Stable", consumerProtocol, "range"
		for i := range members {
			m := kmsg.NewDescribeGroupsResponseGroupMember()
			m.MemberID, m.ClientID, m.ClientHost = "member", "client", "/127.0.0.1"
			m.ProtocolMetadata = (&kmsg.ConsumerMemberMetadata{Topics: []string{"t", "other"}}).AppendTo(nil)
			m.MemberAssignment = (&kmsg.ConsumerMemberAssignment{Topics: []kmsg.ConsumerMemberAssignmentTopic{
				{Topic: "t", Partitions: []int32{int32(i)}}, {Topic: "other", Partitions: []int32{0}},
			}}).AppendTo(nil)
			g.Members = append(g.Members, m)
		}
		resp.Groups = append(resp.Groups, g)
	}
	return resp.AppendTo(nil)
}

func decodeDescribed(t *testing.T, version int16, body []byte, groups decodeNames, cache *memberCache, likely ...string) []decodedMembers {
	t.Helper()
	resp := membersRequest{&kmsg.DescribeGroupsRequest{Version: version}}.ResponseKind().(*membersResponse)
	if err := resp.ReadFrom(body); err != nil {
		t.Fatal(err)
	}
	out, err := resp.decode(groups, likely, func(topic string) bool { return topic == "t" }, cache)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDecodeMembersOutliveTheAnswer(t *testing.T) {
	var cache memberCache
	body := describedBody(5, 2, "g")
	got := decodeDescribed(t, 5, body, anyName, &cache)
	clear(body)
	if len(got) != 1 || len(got[0].Members) != 2 {
		t.Fatalf("got %+v", got)
	}
	m := got[0].Members[1]
	if m.ID != "member" || m.ClientHost != "/127.0.0.1" || !slices.Equal(m.Subscribed, []string{"t"}) ||
		len(m.Assigned) != 1 || m.Assigned[0].Topic != "t" || !slices.Equal(m.Assigned[0].Partitions, []int32{1}) {
		t.Errorf("member %+v", m)
	}
}

func TestDecodeMembersAgainOnlyIfTheyChanged(t *testing.T) {
	for _, likely := range [][]string{nil, {"g", "h"}, {"h", "g"}, {"h"}, {"nobody", "g"}} {
		testDecodeMembersAgain(t, likely...)
	}
}

func testDecodeMembersAgain(t *testing.T, likely ...string) {
	t.Helper()
	var cache memberCache
	first := decodeDescribed(t, 5, describedBody(5, 2, "g", "h"), anyName, &cache, likely...)
	again := decodeDescribed(t, 5, describedBody(5, 2, "h", "g"), anyName, &cache, likely...)
	if &again[1].Members[0] != &first[0].Members[0] || &again[0].Members[0] != &first[1].Members[0] {
		t.Error("members that did not change were decoded again")
	}
	if changed := decodeDescribed(t, 5, describedBody(5, 3, "g"), anyName, &cache, likely...); len(changed[0].Members) != 3 {
		t.Errorf("a third member is missing: %+v", changed)
	}
	moved := bytes.ReplaceAll(describedBody(5, 2, "h"), []byte("/127.0.0.1"), []byte("/127.0.0.2"))
	if changed := decodeDescribed(t, 5, moved, anyName, &cache, likely...); changed[0].Members[0].ClientHost != "/127.0.0.2" {
		t.Errorf("an answer of the same length was taken for the same answer: %+v", changed)
	}
	if other := decodeDescribed(t, 4, describedBody(4, 2, "h"), anyName, &cache, likely...); &other[0].Members[0] == &first[1].Members[0] {
		t.Error("an answer of one version was taken for one of another")
	}
	cache.retain(func(group string) bool { return group == "g" })
	if len(cache.byGroup) != 1 || len(cache.byGroup["g"].decoded.Members) != 3 {
		t.Errorf("after h is gone: %+v", cache.byGroup)
	}
}

func TestDecodeMembersCachesNeitherErrorsNorStrangers(t *testing.T) {
	var cache memberCache
	decodeDescribed(t, 5, describedBody(5, 2, "g", "stranger"), decodeAsked([]string{"g"}), &cache)
	resp := kmsg.NewPtrDescribeGroupsResponse()
	resp.Version = 5
	g := kmsg.NewDescribeGroupsResponseGroup()
	g.Group, g.ErrorCode = "g", 16
	resp.Groups = append(resp.Groups, g)
	if failed := decodeDescribed(t, 5, resp.AppendTo(nil), anyName, &cache); failed[0].Code != 16 || len(failed[0].Members) > 0 {
		t.Errorf("an error was read as %+v", failed)
	}
	if len(cache.byGroup) != 1 || len(cache.byGroup["g"].decoded.Members) != 2 {
		t.Errorf("cached: %+v", cache.byGroup)
	}
}

// Old Sarama clients leave out fields that their version says are there; newer clients add some. Neither hides the topics.
func TestDecodeMembersReadsAsFarAsItMatters(t *testing.T) {
	topics := []byte{0, 0, 0, 1, 0, 1, 't'}
	for name, tc := range map[string]struct {
		subscription []byte
		broken       bool
	}{
		"v1 without the rest":   {append([]byte{0, 1}, topics...), false},
		"v9 with unknown bytes": {append(append([]byte{0, 9}, topics...), 1, 2, 3), false},
		"topics beyond the end": {[]byte{0, 0, 0, 0, 0, 2, 0, 1, 't'}, true},
		"negative length":       {[]byte{0, 0, 0, 0, 0, 1, 0xff, 0xfe, 't', 0, 0}, true},
		"only a version":        {[]byte{0, 0}, true},
	} {
		resp := kmsg.NewPtrDescribeGroupsResponse()
		resp.Version = 5
		g := kmsg.NewDescribeGroupsResponseGroup()
		g.Group, g.ProtocolType = "g", consumerProtocol
		m := kmsg.NewDescribeGroupsResponseGroupMember()
		m.MemberID, m.ProtocolMetadata = "m", tc.subscription
		m.MemberAssignment = (&kmsg.ConsumerMemberAssignment{Topics: []kmsg.ConsumerMemberAssignmentTopic{{Topic: "t", Partitions: []int32{7}}}}).AppendTo(nil)
		g.Members = append(g.Members, m)
		resp.Groups = append(resp.Groups, g)
		got := decodeDescribed(t, 5, resp.AppendTo(nil), anyName, &memberCache{})[0]
		if broken := errors.Is(got.Err, errMalformed); broken != tc.broken {
			t.Errorf("%s: %v", name, got.Err)
		}
		want := []string{"t"}
		if tc.broken {
			want = nil
		}
		if len(got.Members) != 1 || !slices.Equal(got.Members[0].Subscribed, want) || len(got.Members[0].Assigned) != 1 {
			t.Errorf("%s: %+v", name, got.Members)
		}
	}
}
