package lag

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Selection says which partitions of which groups are asked for. A nil predicate selects everything.
type Selection struct {
	Cluster func(name string) bool
	// Groups names the groups, where the selection does so. Otherwise Group decides on each group there is, and the answer is
	// unknown while groups may exist that were never listed.
	Groups    []string
	Group     func(name string) bool
	Topic     func(name string) bool
	Partition func(number int32) bool
	// Bound, where it is set, narrows Groups by cluster: groups of one name on two clusters are two.
	Bound func(cluster, group string) bool
	// What names the selection in errors, such as `consumergroup=orders`.
	What string
}

// Existing returns the names of the selected groups that exist, whether or not anything is known of them. Where the selection names
// no groups, those that are known to have none of the topics are left out.
func (sel *Selection) Existing(snapshots []*Snapshot) []string {
	var names []string
	for _, s := range snapshots {
		switch {
		case sel.Cluster != nil && !sel.Cluster(s.Cluster):
		case len(sel.Groups) > 0:
			names = append(names, s.Existing(sel.on(s.Cluster))...)
		default:
			for _, g := range s.Groups {
				if (sel.Group == nil || sel.Group(g.Name)) && g.mayHave(sel.Topic) {
					names = append(names, g.Name)
				}
			}
		}
	}
	return names
}

// Total is the answer for a selection.
type Total struct {
	Lag        int64     // records, summed over the partitions
	MaxLag     int64     // records, on the partition that has the most
	Partitions int64     // partitions counted; of a group whose members were never read, only those with a commit
	Members    int64     // members of the groups; where topics or partitions are selected, those to which one is assigned
	MembersErr error     // why Members does not count: an *UnknownError
	ReadAt     time.Time // when the commits behind Lag were read; the oldest, where there are several groups
}

// Sum totals the selected partitions over all snapshots, of which there is one per cluster. The error is an *AbsentError if
// the brokers said that there is nothing to select, and an *UnknownError if any selected part is unknown or older than maxAge.
// An unknown part outside the selection does not matter.
func Sum(snapshots []*Snapshot, sel Selection, now time.Time, maxAge time.Duration) (Total, error) {
	return sum(snapshots, sel, now, maxAge, nil)
}

// sum is Sum, and divides what it counts where there is a division.
func sum(snapshots []*Snapshot, sel Selection, now time.Time, maxAge time.Duration, d *division) (Total, error) {
	s := summation{sel: sel, now: now, maxAge: maxAge, division: d}
	if len(snapshots) == 0 {
		return Total{}, s.doubtful(errors.New("no collection has ended yet"), time.Time{})
	}
	for _, snapshot := range s.clusters(snapshots) {
		groups, err := s.groups(snapshot)
		if err != nil {
			return Total{}, err
		}
		for _, g := range groups {
			if err := s.add(g); err != nil {
				return Total{}, err
			}
		}
	}
	if err := s.missed(); err != nil {
		return Total{}, err
	}
	if s.total.Partitions == 0 {
		return Total{}, s.nothing()
	}
	return s.total, nil
}

// summation is one call of Sum under way.
type summation struct {
	sel    Selection
	now    time.Time
	maxAge time.Duration
	// division is nil unless the total is to be divided.
	division *division

	total Total
	empty []*Group // groups that exist but of which no partition is selected

	several bool            // clusters are selected
	cluster string          // the one under way
	found   map[string]bool // names of groups that some cluster has
	doubts  []doubtOf
}

// groups returns the selected groups of one cluster; the error says why there may be more of them.
func (s *summation) groups(snapshot *Snapshot) (groups []*Group, err error) {
	if len(s.sel.Groups) > 0 {
		return s.named(snapshot)
	}
	switch {
	case s.hasNoSay(snapshot):
		s.doubts = append(s.doubts, doubtOf{err: s.doubtful(snapshot.ListingErr, snapshot.ListedAt)})
	case !s.young(snapshot.ListedAt):
		return nil, s.doubtful(snapshot.ListingErr, snapshot.ListedAt)
	}
	if i := slices.IndexFunc(snapshot.Uncollected, func(g UncollectedGroup) bool { return s.sel.Group == nil || s.sel.Group(g.Name) }); i >= 0 {
		return nil, s.uncollected(snapshot.Uncollected[i].Name)
	}
	for _, g := range snapshot.Groups {
		if s.sel.Group == nil || s.sel.Group(g.Name) {
			groups = append(groups, g)
		}
	}
	return groups, nil
}

func (s *summation) young(at time.Time) bool { return !at.IsZero() && s.now.Sub(at) <= s.maxAge }

// uncollected says that a group exists of which nothing is known.
func (s *summation) uncollected(group string) error {
	return &UnknownError{What: fmt.Sprintf("the lag of consumer group %q", group), Reason: errors.New("there are more consumer groups or partitions " +
		"than --max-groups or --max-partitions allow, and this one was left out; it is read within seconds of being asked for, if there is room for all that are; else raise the limit")}
}

// add adds one group to the total.
func (s *summation) add(g *Group) error {
	part := s.read(g)
	if !part.found {
		// Which partitions the group has is known only as long as its commits are.
		if g.ReadAt.IsZero() || s.now.Sub(g.ReadAt) > s.maxAge {
			return s.unknown(g, g.Reason(), g.ReadAt)
		}
		s.empty = append(s.empty, g)
		s.addMembers(g)
		s.division.group(s, g, nil)
		return nil
	}
	if part.unknown {
		reason := g.Err
		if reason == nil {
			reason = part.reason
		}
		return s.unknown(g, reason, part.ReadAt)
	}
	if part.overflow || s.total.Lag+part.Lag > MaxLag {
		return s.unknown(g, contradiction("sum", ClassProtocol, "a sum above 2^53 records is not believed"), part.ReadAt)
	}
	s.total.Lag += part.Lag
	s.total.MaxLag = max(s.total.MaxLag, part.MaxLag)
	s.total.Partitions += part.Partitions
	if s.total.ReadAt.IsZero() || part.ReadAt.Before(s.total.ReadAt) {
		s.total.ReadAt = part.ReadAt
	}
	s.addMembers(g)
	s.division.group(s, g, part.of)
	return nil
}

// tally is the sum over the selected rows of one reading.
type tally struct {
	Total
	of       []TopicLag
	topics   []string // the topics that are selected, whether or not they have selected rows
	found    bool     // some row, or a topic whose rows are not known, is selected
	unknown  bool     // some selected row is too old
	reason   error    // why some selected row could not be read in the latest collection
	overflow bool
}

// read sums the group's selected partitions as of one moment at which every one of them was known: the latest reading, or else
// the last complete one: the topic's, if it alone was selected ever since, or else the group's.
func (s *summation) read(g *Group) tally {
	latest := s.tally(g.Topics)
	if latest.reason == nil {
		return latest
	}
	var complete [][]TopicLag // the newest first
	if len(latest.topics) == 1 && !slices.ContainsFunc(g.left, s.selectsTopic) {
		if t := g.topic(latest.topics[0]).LastComplete; t != nil {
			complete = append(complete, []TopicLag{*t})
		}
	}
	if g.LastComplete != nil {
		complete = append(complete, g.LastComplete.Topics)
	}
	for _, topics := range complete {
		if part := s.tally(topics); part.found {
			part.reason = latest.reason
			return part
		}
	}
	return tally{found: true, unknown: true, reason: latest.reason}
}

func (s *summation) selectsTopic(name string) bool { return s.sel.Topic == nil || s.sel.Topic(name) }

func (s *summation) tally(topics []TopicLag) tally {
	sum := tally{of: topics}
	for i := range topics {
		t := &topics[i]
		if !s.selectsTopic(t.Topic) {
			continue
		}
		sum.topics = append(sum.topics, t.Topic)
		for i := range t.Partitions {
			if row := &t.Partitions[i]; s.sel.Partition == nil || s.sel.Partition(row.Partition) {
				s.row(&sum, t, row)
			}
		}
		if t.moreRows && sum.reason == nil {
			sum.reason = fmt.Errorf("topic %q: %w", t.Topic, t.Err)
		}
	}
	sum.found = sum.Partitions > 0 || sum.reason != nil
	return sum
}

func (s *summation) row(sum *tally, t *TopicLag, row *PartitionLag) {
	sum.Partitions++
	if err := t.RowErr(row); err != nil && sum.reason == nil {
		sum.reason = fmt.Errorf("topic %q partition %d: %w", t.Topic, row.Partition, err)
	}
	if at := t.RowReadAt(row); sum.ReadAt.IsZero() || at.Before(sum.ReadAt) {
		sum.ReadAt = at
	}
	if !t.RowKnown(row, s.now, s.maxAge) {
		sum.unknown = true
		return
	}
	sum.Lag += row.Lag
	sum.MaxLag = max(sum.MaxLag, row.Lag)
	if sum.Lag > MaxLag { // one more addition of at most 2^53 cannot wrap
		sum.overflow, sum.Lag = true, MaxLag
	}
}

// addMembers counts the group's members. Their being unknown does not make the lag unknown.
func (s *summation) addMembers(g *Group) {
	if !s.membersKnown(g) {
		err := s.unknown(g, g.MembersErr, g.MembersReadAt)
		err.What = "the members of " + s.name(g)
		s.total.MembersErr = err
		return
	}
	for i := range g.Members {
		if s.selectsMember(&g.Members[i]) {
			s.total.Members++
		}
	}
}

func (s *summation) membersKnown(g *Group) bool { return s.young(g.MembersReadAt) }

func (s *summation) selectsMember(m *Member) bool {
	if s.sel.Topic == nil && s.sel.Partition == nil {
		return true
	}
	for _, a := range m.Assigned {
		if !s.selectsTopic(a.Topic) {
			continue
		}
		if s.sel.Partition == nil && len(a.Partitions) > 0 || s.sel.Partition != nil && slices.ContainsFunc(a.Partitions, s.sel.Partition) {
			return true
		}
	}
	return false
}

func (s *summation) unknown(g *Group, reason error, readAt time.Time) *UnknownError {
	return &UnknownError{What: "the lag of " + s.name(g), Reason: reason, ReadAt: readAt, Age: s.now.Sub(readAt)}
}

func (s *summation) name(g *Group) string {
	return fmt.Sprintf("consumer group %q", g.Name) + s.there()
}

// doubtful says that groups may exist that are not known.
func (s *summation) doubtful(reason error, listedAt time.Time) error {
	return &UnknownError{What: "whether more groups match " + s.sel.What + s.there(), Reason: reason, ReadAt: listedAt, Age: s.now.Sub(listedAt)}
}

// nothing explains why the selection is empty.
func (s *summation) nothing() error {
	if len(s.empty) == 0 {
		return &AbsentError{What: "no consumer group matches " + s.sel.What,
			Hint: "check the name and cluster, the adapter's --group-include and --group-exclude, that its Kafka user may Describe the group, " +
				"and with --isolate-namespaces that the namespace is granted it"}
	}
	s.several = false // whose they are is not kept
	for _, g := range s.empty {
		if g.MembersErr != nil || g.MembersReadAt.IsZero() {
			err := cmp.Or(g.MembersErr, g.Err)
			return s.unknown(g, fmt.Errorf("it has no matching commits and its members are not known: %w", err), g.MembersReadAt)
		}
	}
	return &AbsentError{What: fmt.Sprintf("no partition matches %s, although the consumer group exists (%s)", s.sel.What, some(s.empty)),
		Hint: "the group has not committed on, been assigned or subscribed to such a partition; check topic and partition, " +
			"--topic-include and --topic-exclude, and that the adapter's Kafka user may Describe the topic"}
}

// some lists the first few groups.
func some(groups []*Group) string {
	const most = 3
	names := make([]string, 0, most)
	for _, g := range groups[:min(most, len(groups))] {
		names = append(names, g.Name)
	}
	if len(groups) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names, ", "), len(groups)-most)
	}
	return strings.Join(names, ", ")
}
