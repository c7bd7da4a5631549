package lag_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// world is a random cluster of pods, and of groups whose members run on them, elsewhere, or nobody knows where.
type world struct {
	d         directory
	asked     []lag.Pod
	snapshots []*lag.Snapshot
}

func drawWorld(t *rapid.T) world {
	w := world{d: directory{}}
	for i := range rapid.IntRange(1, 8).Draw(t, "pods") {
		address := ""
		if rapid.IntRange(1, 5).Draw(t, "has an address") > 1 { // some of them the same
			address = fmt.Sprintf("10.0.0.%d", rapid.IntRange(1, 10).Draw(t, "address"))
		}
		pod := lag.Pod{Namespace: rapid.SampledFrom([]string{"default", "other"}).Draw(t, "namespace"), Name: fmt.Sprintf("pod-%d", i)}
		w.d.add(pod.Namespace, pod.Name, address)
		if i == 0 || rapid.IntRange(1, 4).Draw(t, "asked for") > 1 {
			w.asked = append(w.asked, pod)
		}
	}
	topics := []part{}
	lengths := map[string]int{}
	for _, name := range topicNames() {
		lengths[name] = rapid.IntRange(1, 6).Draw(t, "partitions")
		var logs []topicPart
		for range lengths[name] {
			logs = append(logs, log(0, rapid.OneOf(rapid.Int64Range(0, 9), rapid.Int64Range(0, 1<<48)).Draw(t, "end")))
		}
		topics = append(topics, topic(name, logs...))
	}
	for _, name := range groupNames() {
		topics = append(topics, group(name, drawMembers(t, lengths)...))
	}
	w.snapshots = []*lag.Snapshot{compute(earliest(), observe(0, topics...))}
	return w
}

// drawMembers draws commits and members whose assignments may overlap and may leave partitions out.
func drawMembers(t *rapid.T, lengths map[string]int) []groupPart {
	var parts []groupPart
	for _, name := range topicNames() {
		if rapid.Bool().Draw(t, "commits") {
			parts = append(parts, commits(name, make([]int64, lengths[name])...))
		}
	}
	if rapid.IntRange(1, 10).Draw(t, "members are known") == 10 {
		return append(parts, membersNotRead)
	}
	for range rapid.IntRange(0, 8).Draw(t, "members") {
		host := fmt.Sprintf("/10.0.0.%d", rapid.IntRange(1, 12).Draw(t, "host"))
		id := rapid.SampledFrom([]string{"", "pod-0", "x-pod-1-0", "pod-2", "pod-77", "app"}).Draw(t, "id")
		var assigned []lag.TopicPartitions
		for _, name := range topicNames() {
			if numbers := rapid.SliceOfN(rapid.Int32Range(0, int32(lengths[name]-1)), 0, 4).Draw(t, "assigned of "+name); len(numbers) > 0 {
				assigned = append(assigned, of(name, numbers...))
			}
		}
		parts = append(parts, member(host, "", id, assigned...))
	}
	return parts
}

// Whatever is assigned to whom, and whatever is known of where members run: what the pods have adds up to the total exactly,
// nobody has less than nothing, and what a pod owns alone it has.
func TestPodsAddUpToTheTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		q := anyQuery(t, "")
		sel := lag.Selection{}
		onTopics(q.topics...)(&sel)
		onPartitions(q.partitions...)(&sel)
		if rapid.Bool().Draw(t, "one group") {
			sel.Groups = []string{rapid.SampledFrom(groupNames()).Draw(t, "group")}
		}
		total, each, err := lag.SumByPod(w.snapshots, sel, w.asked, w.d, at(0), maxAge)
		plain, plainErr := lag.Sum(w.snapshots, sel, at(0), maxAge)
		if fmt.Sprint(err) != fmt.Sprint(plainErr) || total.Lag != plain.Lag || total.MaxLag != plain.MaxLag || total.Partitions != plain.Partitions {
			t.Fatalf("%+v, %v by pod, but %+v, %v", total, err, plain, plainErr)
		}
		if err != nil {
			return
		}
		checkDivision(t, total, each, len(w.asked))
		for i, owned := range ownedAlone(w, sel) {
			if each[i].Lag < owned.Lag || each[i].MaxLag < owned.MaxLag || each[i].Partitions < owned.Partitions || each[i].Members != 1 && owned.Partitions > 0 {
				t.Fatalf("%v has %+v and owns %+v", w.asked[i], each[i], owned)
			}
		}
	})
}

func checkDivision(t *rapid.T, total lag.Total, each []lag.PodTotal, pods int) {
	var sum lag.PodTotal
	for _, p := range each {
		if p.Lag < 0 || p.Partitions < 0 || p.MaxLag < 0 || p.MaxLag > total.MaxLag || p.Members < 0 || p.Members > 1 {
			t.Fatalf("a pod has %+v of %+v", p, total)
		}
		sum.Lag, sum.Partitions, sum.Members = sum.Lag+p.Lag, sum.Partitions+p.Partitions, sum.Members+p.Members
	}
	if len(each) != pods || sum.Lag != total.Lag || sum.Partitions != total.Partitions || total.MembersErr == nil && sum.Members > total.Members {
		t.Fatalf("%d pods have %+v together, of %+v: %+v", len(each), sum, total, each)
	}
}

// ownedAlone works out, row by row, what is assigned to members on one of the pods asked for, and to nobody on another of them.
func ownedAlone(w world, sel lag.Selection) []lag.PodTotal {
	owned := make([]lag.PodTotal, len(w.asked))
	for _, g := range w.snapshots[0].Groups {
		if len(sel.Groups) > 0 && sel.Groups[0] != g.Name || g.MembersReadAt.IsZero() {
			continue
		}
		for _, t := range g.Topics {
			for _, row := range t.Partitions {
				if pods := w.assignedTo(g, t.Topic, row.Partition); len(pods) == 1 && sel.Topic(t.Topic) && sel.Partition(row.Partition) {
					for i := range pods {
						owned[i].Lag, owned[i].MaxLag, owned[i].Partitions = owned[i].Lag+row.Lag, max(owned[i].MaxLag, row.Lag), owned[i].Partitions+1
					}
				}
			}
		}
	}
	return owned
}

func (w world) assignedTo(g *lag.Group, topic string, partition int32) map[int]bool {
	pods := map[int]bool{}
	for _, m := range g.Members {
		for _, a := range m.Assigned {
			for _, number := range a.Partitions {
				if i := w.runsOn(m); i >= 0 && a.Topic == topic && number == partition {
					pods[i] = true
				}
			}
		}
	}
	return pods
}

// runsOn is the pod asked for that the member runs on, -1 if it is not known to.
func (w world) runsOn(m lag.Member) int {
	found := w.d.where(func(pod lag.Pod) bool { return len(w.d[pod]) > 0 && "/"+w.d[pod][0].String() == m.ClientHost })
	if len(found) != 1 { // then the client id tells
		name := strings.TrimSuffix(strings.TrimPrefix(m.ClientID, "x-"), "-0")
		found = w.d.where(func(pod lag.Pod) bool { return pod.Name == name || pod.Name == m.ClientID })
	}
	if len(found) != 1 {
		return -1
	}
	return slices.Index(w.asked, found[0])
}
