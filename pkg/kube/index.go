package kube

import (
	"net/netip"
	"slices"
	"sync"

	"k8s.io/client-go/tools/cache"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// index finds the pods that may have members by address and by name: those that have not finished. Terminating ones are among
// them, as their members are not other pods'. It takes a fraction of the memory of an informer's own indexes.
type index struct {
	mu        sync.RWMutex
	byAddress multimap[netip.Addr]
	byName    multimap[string]
}

func newIndex() index {
	return index{byAddress: newMultimap[netip.Addr](), byName: newMultimap[string]()}
}

var _ cache.ResourceEventHandler = (*index)(nil)

// OnAdd implements cache.ResourceEventHandler.
func (x *index) OnAdd(item any, _ bool) { x.replace(nil, item) }

// OnUpdate implements cache.ResourceEventHandler.
func (x *index) OnUpdate(before, item any) { x.replace(before, item) }

// OnDelete implements cache.ResourceEventHandler.
func (x *index) OnDelete(item any) {
	if missed, ok := item.(cache.DeletedFinalStateUnknown); ok {
		item = missed.Obj
	}
	x.replace(item, nil)
}

func (x *index) replace(before, after any) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if p, ok := before.(*pod); ok && !p.finished {
		x.byName.remove(p.Name, p)
		for _, address := range p.addresses {
			x.byAddress.remove(address, p)
		}
	}
	if p, ok := after.(*pod); ok && !p.finished {
		x.byName.add(p.Name, p)
		for _, address := range p.addresses {
			x.byAddress.add(address, p)
		}
	}
}

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
