package lag_test

import (
	"fmt"
	"strings"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// describe writes an observation down in a few lines, to be read when a property fails.
func describe(o *lag.Observation) string {
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, "at %v, partial %v, metadata: %v, list: %v by %v of %v\n", o.StartedAt.Sub(at(0)), o.Partial, o.MetadataErr, o.ListingErr, o.Listed, o.Coordinators)
	for i := range o.Topics {
		t := &o.Topics[i]
		_, _ = fmt.Fprintf(&b, "  topic %s id %d %v\n", t.Name, t.ID[0], t.Err)
		for _, p := range logsOf(t) {
			_, _ = fmt.Fprintf(&b, "    %d: %s to %s (stable %s) epoch %d\n", p.Partition, describeOffset(p.Start), describeOffset(p.End), describeOffset(p.LastStable), p.LeaderEpoch)
		}
		for _, e := range t.EpochEnds {
			_, _ = fmt.Fprintf(&b, "    %+v\n", e)
		}
	}
	for _, g := range o.Groups {
		_, _ = fmt.Fprintf(&b, "  group %s %s %s, commits read %v: %v, members read %v: %v %+v\n", g.Name, g.Type, g.State,
			!g.CommitsReadAt.IsZero(), g.CommitsErr, !g.MembersReadAt.IsZero(), g.MembersErr, g.Members)
		for i := range g.Commits {
			_, _ = fmt.Fprintf(&b, "    %s %+v\n", g.Commits[i].Topic, commitRows(&g.Commits[i]))
		}
	}
	return b.String()
}

func describeOffset(o lag.Offset) string {
	switch {
	case o.Err != nil:
		return "failed"
	case o.ReadAt.IsZero():
		return "not asked"
	}
	return fmt.Sprint(o.Value)
}
