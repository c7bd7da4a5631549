package lag

import (
	"cmp"
	"slices"
	"time"
)

// PodTotal is a pod's part of a Total.
type PodTotal struct {
	Lag        int64 // records; over the pods they add up to the Total's
	MaxLag     int64 // records, on the partition of the pod that has the most
	Partitions int64 // over the pods they add up to the Total's
	Members    int64 // 1 if the pod is a member of one of the groups, else 0
}

// SumByPod totals the selected partitions as Sum does and divides the total among the pods, all of it by one reading.
//
// A partition counts for the pod that a member runs on to which it is assigned; for several, where it is assigned to several: in
// a share group, or while it moves. What none of the pods owns is spread over them equally, so that the lags and partitions
// always add up to the total: what nobody is assigned, what runs elsewhere, what is left of a pod that is gone, and all of it
// if the members are not known or nothing tells where they run.
//
// The largest of the partitions that nobody owns is the MaxLag of each pod that owns none, as any of them may get it. A member of
// which is not known where it runs counts for the first pod without one.
func SumByPod(snapshots []*Snapshot, sel Selection, pods []Pod, all PodDirectory, now time.Time, maxAge time.Duration) (Total, []PodTotal, error) {
	d := &division{all: all, index: indexPods(pods), pods: make([]PodTotal, len(pods)), owns: make([]bool, len(pods))}
	total, err := sum(snapshots, sel, now, maxAge, d)
	if err != nil || len(pods) == 0 {
		return total, nil, err
	}
	d.spread(&total)
	return total, d.pods, nil
}

// division is a total that is being divided among pods.
type division struct {
	all   PodDirectory
	index map[Pod]int // into pods

	pods       []PodTotal // what is owned
	owns       []bool     // whether a pod owns anything
	unownedMax int64      // the lag of the largest partition that nobody owns
	unplaced   int64      // members of which is not known where they run
}

func indexPods(pods []Pod) map[Pod]int {
	index := make(map[Pod]int, len(pods))
	for i, pod := range pods {
		index[pod] = i
	}
	return index
}

// group divides what was counted of a group: the selected rows of topics.
func (d *division) group(s *summation, g *Group, topics []TopicLag) {
	if d == nil || len(d.pods) == 0 {
		return
	}
	o := owners{topics: topics, rows: make([][]int32, len(topics))}
	if s.membersKnown(g) {
		for i := range g.Members {
			d.member(s, &g.Members[i], &o)
		}
	}
	for i := range topics {
		t := &topics[i]
		if !s.selectsTopic(t.Topic) {
			continue
		}
		for j := range t.Partitions {
			if row := &t.Partitions[j]; s.sel.Partition == nil || s.sel.Partition(row.Partition) {
				d.row(row.Lag, o.of(i, j))
			}
		}
	}
}

// member notes where the member runs and what it owns.
func (d *division) member(s *summation, m *Member, o *owners) {
	counts := s.selectsMember(m)
	if !counts && len(m.Assigned) == 0 {
		return
	}
	at := place(m, d.all)
	if len(at) != 1 {
		if counts {
			d.unplaced++
		}
		return
	}
	pod, ours := d.index[at[0]]
	if !ours {
		return
	}
	if counts {
		d.pods[pod].Members = 1
	}
	for i := range m.Assigned {
		o.claim(&m.Assigned[i], int32(pod))
	}
}

// row divides one partition among its owners.
func (d *division) row(lag int64, owners []int32) {
	if len(owners) == 0 {
		d.unownedMax = max(d.unownedMax, lag)
		return
	}
	d.pods[owners[0]].Partitions++
	if len(owners) == 1 { // nearly always
		d.own(owners[0], lag, lag)
		return
	}
	for i, share := range Shares(lag, len(owners)) {
		d.own(owners[i], share, lag)
	}
}

// own gives a pod its share of a partition's lag.
func (d *division) own(pod int32, share, lag int64) {
	p := &d.pods[pod]
	p.Lag, p.MaxLag, d.owns[pod] = p.Lag+share, max(p.MaxLag, lag), true
}

// spread gives the pods what of the total is nobody's.
func (d *division) spread(total *Total) {
	lag, partitions := total.Lag, total.Partitions
	for i := range d.pods {
		lag, partitions = lag-d.pods[i].Lag, partitions-d.pods[i].Partitions
	}
	lags, counts := Shares(lag, len(d.pods)), Shares(partitions, len(d.pods))
	for i := range d.pods {
		p := &d.pods[i]
		if !d.owns[i] {
			p.MaxLag = d.unownedMax
		}
		if p.Members == 0 && d.unplaced > 0 {
			p.Members = 1
			d.unplaced--
		}
		p.Lag, p.Partitions = p.Lag+lags[i], p.Partitions+counts[i]
	}
}

// owners are the pods that own the partitions of a reading.
type owners struct {
	topics []TopicLag
	// rows has, by topic and row, the owner: 0 for none, n+1 for pod n alone, -n-1 for several[n]. Nil for a topic without owners.
	rows    [][]int32
	several [][]int32
	one     [1]int32
}

// claim notes that the partitions are the pod's.
func (o *owners) claim(a *TopicPartitions, pod int32) {
	i, found := slices.BinarySearchFunc(o.topics, a.Topic, func(t TopicLag, name string) int { return cmp.Compare(t.Topic, name) })
	if !found || len(a.Partitions) == 0 {
		return
	}
	rows := o.topics[i].Partitions
	if o.rows[i] == nil {
		o.rows[i] = make([]int32, len(rows))
	}
	for _, number := range a.Partitions {
		j, found := rowOf(rows, number)
		if !found {
			continue
		}
		switch owner := &o.rows[i][j]; {
		case *owner == 0:
			*owner = pod + 1
		case *owner < 0:
			if all := &o.several[-*owner-1]; !slices.Contains(*all, pod) {
				*all = append(*all, pod)
			}
		case *owner != pod+1:
			o.several = append(o.several, []int32{*owner - 1, pod})
			*owner = -int32(len(o.several))
		}
	}
}

// of returns the owners of a row. They hold until the next call.
func (o *owners) of(topic, row int) []int32 {
	if o.rows[topic] == nil {
		return nil
	}
	switch owner := o.rows[topic][row]; {
	case owner == 0:
		return nil
	case owner < 0:
		return o.several[-owner-1]
	default:
		o.one[0] = owner - 1
		return o.one[:]
	}
}

// rowOf finds the partition's row, which most often stands where its number says.
func rowOf(rows []PartitionLag, number int32) (int, bool) {
	if i := int(number); i >= 0 && i < len(rows) && rows[i].Partition == number {
		return i, true
	}
	return slices.BinarySearchFunc(rows, number, func(row PartitionLag, number int32) int { return cmp.Compare(row.Partition, number) })
}
