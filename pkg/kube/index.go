package kube

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// index finds the pods that may have members by address, by name and by namespace: those that have not finished. Terminating ones
// are among them, as their members are not other pods'. It takes a fraction of the memory and time of the indexes of an informer.
type index struct {
	mu          sync.RWMutex
	byAddress   multimap[netip.Addr]
	byName      multimap[string]
	byNamespace map[string][]*pod // by name
}

func newIndex() index {
	return index{byAddress: newMultimap[netip.Addr](), byName: newMultimap[string](), byNamespace: map[string][]*pod{}}
}

// put puts in a pod, in place of what there was by its name.
func (x *index) put(p *pod) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.takeOut(p.Namespace, p.Name)
	x.putIn(p)
}

// remove takes out a pod.
func (x *index) remove(namespace, name string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.takeOut(namespace, name)
}

// replace puts in pods, all of which have names of their own, in place of all that there were.
func (x *index) replace(pods []*pod) {
	next := newIndex()
	slices.SortFunc(pods, func(a, b *pod) int { return cmp.Compare(a.Name, b.Name) }) // each goes to the end of its list then
	for _, p := range pods {
		next.putIn(p)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.byAddress, x.byName, x.byNamespace = next.byAddress, next.byName, next.byNamespace
}

func (x *index) takeOut(namespace, name string) {
	p := x.leave(namespace, name)
	if p == nil {
		return
	}
	x.byName.remove(p.Name, p)
	for _, address := range p.addresses {
		x.byAddress.remove(address, p)
	}
}

func (x *index) putIn(p *pod) {
	if p.finished {
		return
	}
	x.enter(p)
	x.byName.add(p.Name, p)
	for _, address := range p.addresses {
		x.byAddress.add(address, p)
	}
}

// enter puts a pod into the list of its namespace, which must not have one of its name.
func (x *index) enter(p *pod) {
	pods := x.byNamespace[p.Namespace]
	i, _ := slices.BinarySearchFunc(pods, p.Name, comparePod)
	x.byNamespace[p.Namespace] = slices.Insert(pods, i, p)
}

// leave takes the pod of that name out of the list of its namespace and returns it, nil if there is none.
func (x *index) leave(namespace, name string) *pod {
	pods := x.byNamespace[namespace]
	i, found := slices.BinarySearchFunc(pods, name, comparePod)
	if !found {
		return nil
	}
	p := pods[i]
	if x.byNamespace[namespace] = slices.Delete(pods, i, i+1); len(pods) == 1 {
		delete(x.byNamespace, namespace)
	}
	return p
}

func comparePod(p *pod, name string) int { return cmp.Compare(p.Name, name) }

// multimap has mostly one pod for a key. Its slices never change.
type multimap[K comparable] struct {
	first map[K]*pod
	more  map[K][]*pod // all of them, where there are several
}

func newMultimap[K comparable]() multimap[K] {
	return multimap[K]{first: map[K]*pod{}, more: map[K][]*pod{}}
}

func (m *multimap[K]) get(key K) (first *pod, several []*pod) {
	if first = m.first[key]; first == nil || len(m.more) == 0 {
		return first, nil
	}
	return first, m.more[key]
}

func (m *multimap[K]) add(key K, p *pod) {
	first, several := m.get(key)
	switch {
	case first == nil:
		m.first[key] = p
	case first == p || slices.Contains(several, p):
	case several == nil:
		m.more[key] = []*pod{first, p}
	default:
		m.more[key] = append(slices.Clone(several), p)
	}
}

func (m *multimap[K]) remove(key K, p *pod) {
	first, several := m.get(key)
	rest := slices.DeleteFunc(slices.Clone(several), func(other *pod) bool { return other == p })
	switch {
	case len(several) == 0 && first != p: // it is not there
	case len(several) == 0:
		delete(m.first, key)
	case len(rest) == 1:
		delete(m.more, key)
		m.first[key] = rest[0]
	default:
		m.first[key], m.more[key] = rest[0], rest
	}
}

// ids names the pods.
func ids(first *pod, several []*pod) []lag.Pod {
	if first == nil {
		return nil
	}
	if len(several) == 0 {
		return first.self[:]
	}
	all := make([]lag.Pod, len(several))
	for i, p := range several {
		all[i] = p.self[0]
	}
	return all
}

// holders names the pods that have an address, of those that say so.
func holders(first *pod, several []*pod) []lag.Pod {
	var all []*pod
	var latest *pod
	for _, p := range several {
		switch {
		case p.hostNetwork:
			all = append(all, p)
		case latest == nil || p.started.After(latest.started) || p.started.Equal(latest.started) && p.Name > latest.Name:
			latest = p
		}
	}
	switch {
	case latest == nil && len(all) == 0:
		return ids(first, nil)
	case latest == nil:
		return ids(all[0], all)
	default:
		return ids(latest, append(all, latest))
	}
}
