package kube

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// TestIndexFollowsThePods adds, changes, deletes and lists pods, and compares with a search through all of them.
func TestIndexFollowsThePods(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, pods := newIndex(), map[lag.Pod]*pod{}
		for range rapid.IntRange(1, 30).Draw(t, "events") {
			id := lag.Pod{Namespace: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "namespace"), Name: fmt.Sprint("pod-", rapid.IntRange(0, 3).Draw(t, "name"))}
			before, after := pods[id], drawPod(t, id)
			switch {
			case rapid.IntRange(1, 5).Draw(t, "listed") == 5:
				pods[id] = after
				x.replace(slices.Collect(maps.Values(pods)))
			case before == nil || rapid.IntRange(1, 3).Draw(t, "deleted") < 3:
				x.put(after)
			default:
				x.remove(id.Namespace, id.Name)
				after = nil
			}
			if pods[id] = after; after == nil {
				delete(pods, id)
			}
			if rapid.IntRange(1, 5).Draw(t, "a deletion was missed") == 5 {
				delete(pods, id)
				x.replace(slices.Collect(maps.Values(pods)))
			}
			compareIndex(t, &x, pods)
		}
	})
}

func drawPod(t *rapid.T, id lag.Pod) *pod {
	var ips []string
	for range rapid.IntRange(0, 2).Draw(t, "addresses") {
		ips = append(ips, fmt.Sprint("10.0.0.", rapid.IntRange(0, 3).Draw(t, "address")))
	}
	phase := rapid.SampledFrom([]corev1.PodPhase{corev1.PodRunning, corev1.PodRunning, corev1.PodFailed}).Draw(t, "phase")
	full := somePod(id.Namespace, id.Name, inPhase(phase), startedAt(int64(rapid.IntRange(0, 3).Draw(t, "started"))))
	if len(ips) > 0 {
		withIPs(ips...)(full)
	}
	full.Spec.HostNetwork = rapid.IntRange(1, 4).Draw(t, "host network") == 4
	item, err := trim(full)
	kept, ok := item.(*pod)
	if err != nil || !ok {
		t.Fatal(item, err)
	}
	return kept
}

func compareIndex(t *rapid.T, x *index, pods map[lag.Pod]*pod) {
	for _, namespace := range []string{"a", "b"} {
		var want []string
		for id, p := range pods {
			if id.Namespace == namespace && !p.finished {
				want = append(want, id.Name)
			}
		}
		slices.Sort(want)
		var got []string
		for _, p := range x.byNamespace[namespace] {
			if got = append(got, p.Name); pods[p.self[0]] != p {
				t.Fatalf("%s/%s is an older one", namespace, p.Name)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%s has %q, want %q", namespace, got, want)
		}
	}
	for i := range 4 {
		address, name := netip.MustParseAddr(fmt.Sprint("10.0.0.", i)), fmt.Sprint("pod-", i)
		var named, sharing []lag.Pod
		latest := int64(-1)
		for id, p := range pods {
			if !p.finished && id.Name == name {
				named = append(named, id)
			}
			switch has := !p.finished && slices.Contains(p.addresses, address); {
			case has && p.hostNetwork:
				sharing = append(sharing, id)
			case has:
				latest = max(latest, p.started.Unix())
			}
		}
		if got := ids(x.byName.get(name)); written(got) != written(named) {
			t.Fatalf("named %s: %v, want %v", name, got, named)
		}
		got := holders(x.byAddress.get(address))
		own := slices.DeleteFunc(slices.Clone(got), func(id lag.Pod) bool { return slices.Contains(sharing, id) })
		if len(got)-len(own) != len(sharing) || len(own) > 1 || (len(own) == 1) != (latest >= 0) || len(own) == 1 && pods[own[0]].started.Unix() != latest {
			t.Fatalf("at %s: %v, want all of %v and one started at %d", address, got, sharing, latest)
		}
	}
}
