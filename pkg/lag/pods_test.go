package lag_test

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// directory is a cluster of pods with their addresses.
type directory map[lag.Pod][]netip.Addr

// pods makes a directory of pods of the namespace default, written as name, address, name, address, …
func pods(namesAndAddresses ...string) directory {
	d := directory{}
	for i := 0; i < len(namesAndAddresses); i += 2 {
		d.add("default", namesAndAddresses[i], namesAndAddresses[i+1])
	}
	return d
}

func (d directory) add(namespace, name, address string) {
	pod := lag.Pod{Namespace: namespace, Name: name}
	d[pod] = nil
	if address != "" {
		d[pod] = []netip.Addr{netip.MustParseAddr(address)}
	}
}

func (d directory) At(address netip.Addr) []lag.Pod {
	return d.where(func(pod lag.Pod) bool { return slices.Contains(d[pod], address) })
}

func (d directory) Named(name string) []lag.Pod {
	return d.where(func(pod lag.Pod) bool { return pod.Name == name })
}

func (d directory) Addresses(pod lag.Pod) []netip.Addr { return d[pod] }

func (d directory) where(matches func(lag.Pod) bool) []lag.Pod {
	all := slices.SortedFunc(maps.Keys(d), func(a, b lag.Pod) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return slices.DeleteFunc(all, func(pod lag.Pod) bool { return !matches(pod) })
}

func named(names ...string) []lag.Pod {
	var all []lag.Pod
	for _, name := range names {
		all = append(all, lag.Pod{Namespace: "default", Name: name})
	}
	return all
}

// member adds a member of that client host, group.instance.id and client.id.
func member(host, instanceID, clientID string, assigned ...lag.TopicPartitions) groupPart {
	return func(g *lag.GroupObservation) {
		g.Members = append(g.Members, lag.Member{ClientHost: host, InstanceID: instanceID, ClientID: clientID, Assigned: assigned})
	}
}

func of(topic string, partitions ...int32) lag.TopicPartitions {
	return lag.TopicPartitions{Topic: topic, Partitions: partitions}
}
