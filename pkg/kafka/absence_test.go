package kafka

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// unlist makes the fake list no group, and answer for the group by name with the state or the error.
func (f *fake) unlist(name, state string, err *kerr.Error) {
	f.answer(kmsg.ListGroups, func(req kmsg.Request) kmsg.Response { return req.ResponseKind() })
	f.answer(kmsg.DescribeGroups, func(req kmsg.Request) kmsg.Response {
		resp := req.ResponseKind().(*kmsg.DescribeGroupsResponse)
		g := kmsg.NewDescribeGroupsResponseGroup()
		if g.Group, g.State = name, state; err != nil {
			g.ErrorCode = err.Code
		}
		resp.Groups = append(resp.Groups, g)
		return resp
	})
	if err != nil {
		f.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetFetch}, Group: name, Err: err, Count: -1})
	}
}

func TestRow11HiddenGroupIsAskedForByName(t *testing.T) {
	for name, tc := range map[string]struct {
		state string
		err   *kerr.Error
		want  lag.Class // of the group's errors; none if it is to be left out
	}{
		"forbidden":                  {"", kerr.GroupAuthorizationFailed, lag.ClassAuthorization},
		"loading":                    {"", kerr.CoordinatorLoadInProgress, lag.ClassCoordinator},
		"row 6, deleted":             {"Dead", nil, ""},
		"row 6, deleted, as Kafka 4": {"Dead", kerr.GroupIDNotFound, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.commit("billing", "orders", 0)
			r := f.reader()
			s := poll(t, r, nil)
			f.unlist("billing", tc.state, tc.err)
			obs := r.Read(t.Context(), s)
			if tc.want == "" {
				if len(obs.Groups) != 0 || obs.ListingErr != nil {
					t.Fatalf("%+v, %v", obs.Groups, obs.ListingErr)
				}
				return
			}
			g := group(t, obs, "billing")
			if lag.ClassOf(g.CommitsErr) != tc.want || lag.ClassOf(g.MembersErr) != tc.want {
				t.Errorf("%v, %v", g.CommitsErr, g.MembersErr)
			}
		})
	}
}

// What a broker did not list because it did not answer is not asked for, and not said to be gone either.
func TestRow3NobodyIsAskedForWhatNobodyListed(t *testing.T) {
	f := newFake(t)
	f.commit("billing", "orders", 0)
	var sent requests
	r := f.reader(counting(&sent))
	s := poll(t, r, nil)
	f.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListGroups}, TopLevel: true, Err: kerr.CoordinatorLoadInProgress, Count: -1})
	var obs *lag.Observation
	got, _ := sent.during(func() { obs = r.Read(t.Context(), s) })
	if got[kmsg.DescribeGroups] != 0 || len(obs.Groups) != 0 || obs.ListingErr == nil || len(obs.Listed) != 0 {
		t.Errorf("%v, %+v, %v", got, obs.Groups, obs.ListingErr)
	}
}

func TestRow19TooManyGroups(t *testing.T) {
	f := newFake(t)
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		f.commit(name, "orders", 0, 0)
	}
	names := func(groups []lag.GroupObservation) (s string) {
		for _, g := range groups {
			s += g.Name
		}
		return s
	}
	known := &lag.Snapshot{Groups: []*lag.Group{{Name: "d", Type: lag.GroupClassic}}}
	for name, limit := range map[string]func(*Config){
		"groups":     func(c *Config) { c.MaxGroups = 3 },
		"partitions": func(c *Config) { c.MaxPartitions = 7 },
	} {
		obs := f.reader(limit, func(c *Config) { c.Wanted = func() []string { return []string{"e", "nobody"} } }).Read(t.Context(), known)
		if got := names(obs.Groups); got != "ade" {
			t.Errorf("%s: %q were kept; first come the wanted, then the known, then by name", name, got)
		}
		if len(obs.Uncollected) != 2 || obs.Uncollected[0].Name != "b" || obs.Uncollected[1].Name != "c" {
			t.Errorf("%s: left out %v", name, obs.Uncollected)
		}
	}
	if obs := f.reader().Read(t.Context(), known); len(obs.Groups) != 5 || obs.Uncollected != nil {
		t.Errorf("without a limit: %d groups, left out %v", len(obs.Groups), obs.Uncollected)
	}
}
