package lag

import (
	"net/netip"
	"strings"
)

// Pod names a pod of the Kubernetes cluster.
type Pod struct{ Namespace, Name string }

// PodDirectory knows every pod of the Kubernetes cluster that may run a member, not only those that a lag is divided among: what
// runs on another pod must not be taken for theirs. What it returns must not be changed.
type PodDirectory interface {
	// At returns the pods that have the address: none, one, or several that share the network of their node.
	At(address netip.Addr) []Pod
	// Named returns the pods of that name, which may be one in each namespace.
	Named(name string) []Pod
	// Addresses returns the addresses of a pod.
	Addresses(pod Pod) []netip.Addr
}

// place returns the pods that the member may run on: one if that is known; none if nothing is, as behind an address that hides
// the client's own; several if all that is known is an address that they share.
//
// The client host decides where it is the address of one pod alone. Otherwise group.instance.id and client.id do, in this order:
// the longest name of a pod that one of them has as a whole word. Names come second, as there are client ids that look like them
// (Kafka's own default was consumer-1); and a name that pods of several namespaces have tells nothing.
func place(m *Member, pods PodDirectory) []Pod {
	var at []Pod
	if address, ok := hostAddress(m.ClientHost); ok {
		if at = pods.At(address); len(at) == 1 {
			return at
		}
	}
	for _, id := range [...]string{m.InstanceID, m.ClientID} {
		if named := longestNamed(id, pods); len(named) == 1 {
			return named
		}
	}
	return at
}

// hostAddress reads a client host as brokers give it: /10.1.2.3, host/10.1.2.3, or without the slash, and with a port behind it.
func hostAddress(host string) (netip.Addr, bool) {
	host = host[strings.LastIndexByte(host, '/')+1:]
	address, err := netip.ParseAddr(host)
	if err != nil {
		withPort, err := netip.ParseAddrPort(host)
		if err != nil {
			return netip.Addr{}, false
		}
		address = withPort.Addr()
	}
	return CanonicalAddress(address), true
}

// CanonicalAddress is the one form of an address in which a [PodDirectory] is asked: an IPv4 address that is mapped into IPv6 is
// an IPv4 address, and there is no zone.
func CanonicalAddress(address netip.Addr) netip.Addr { return address.Unmap().WithZone("") }

const (
	// maxPodName is Kubernetes' limit.
	maxPodName = 253
	// maxWords bounds the work for one client id, which any client chooses for itself. Beyond it, only the whole id is looked at.
	maxWords = 32
)

// longestNamed returns the pods of the longest name of a pod that the id is or has as a whole word, which is what letters and
// digits do not go on before or after. So in web-1-0 the pod web-1 is named only as long as there is no pod web-1-0.
func longestNamed(id string, pods PodDirectory) []Pod {
	if id == "" {
		return nil
	}
	words := words(id)
	if len(words) > maxWords {
		return pods.Named(id)
	}
	var longest []Pod
	length := 0
	for first := range words {
		for last := len(words) - 1; last >= first; last-- {
			name := id[words[first].start:words[last].end]
			if len(name) <= length {
				break
			}
			if len(name) > maxPodName {
				continue
			}
			if named := pods.Named(name); len(named) > 0 {
				longest, length = named, len(name)
				break
			}
		}
	}
	return longest
}

type word struct{ start, end int }

// words returns where the runs of letters and digits are, as many as count.
func words(id string) []word {
	var words []word
	start := -1
	for i := 0; i <= len(id); i++ {
		switch inside := i < len(id) && alphanumeric(id[i]); {
		case inside && start < 0:
			start = i
		case !inside && start >= 0:
			words, start = append(words, word{start, i}), -1
			if len(words) > maxWords {
				return words
			}
		}
	}
	return words
}

// alphanumeric says whether a name goes on with the byte. Those of characters beyond ASCII do.
func alphanumeric(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 0x80
}
