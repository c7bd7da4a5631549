package lag

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
	"weak"
)

// MemberIndex finds the groups that may have a member on some pods without looking at each member of the cluster, of which there
// may be very many. It follows the snapshots at the cost of what changed in them. The zero MemberIndex is ready, and it may be
// used from any goroutine.
type MemberIndex struct {
	mu       sync.RWMutex
	clusters map[string]*clusterIndex
}

// clusterIndex is the index of one cluster's groups.
type clusterIndex struct {
	snapshot weak.Pointer[Snapshot] // which a reader that is not asked for long must not keep
	groups   []*indexedGroup        // by name
	byHost   map[netip.Addr][]*indexedGroup
	byWord   map[string][]*indexedGroup
	wordy    []*indexedGroup // those with too many words to be in byWord
}

type indexedGroup struct {
	name    string
	members []Member
	hosts   []netip.Addr // of the members, each once
	ids     string       // their instance ids and client ids, each once, on a line of its own
	words   []string     // of ids, each once; nil if there are too many
}

// maxIndexedWords is for how many words a group is found by them. Generated client ids have words of their own each.
const maxIndexedWords = 64

// Update makes the index that of the snapshots.
func (x *MemberIndex) Update(snapshots []*Snapshot) {
	x.mu.RLock()
	current := !slices.ContainsFunc(snapshots, func(s *Snapshot) bool {
		return x.clusters[s.Cluster] == nil || x.clusters[s.Cluster].snapshot != weak.Make(s)
	})
	x.mu.RUnlock()
	if current {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, s := range snapshots {
		if x.clusters == nil {
			x.clusters = map[string]*clusterIndex{}
		}
		if x.clusters[s.Cluster] == nil {
			x.clusters[s.Cluster] = &clusterIndex{byHost: map[netip.Addr][]*indexedGroup{}, byWord: map[string][]*indexedGroup{}}
		}
		x.clusters[s.Cluster].update(s)
	}
}

// update goes through both lists of groups, which are in order, at once.
func (c *clusterIndex) update(s *Snapshot) {
	this := weak.Make(s)
	if c.snapshot == this {
		return
	}
	groups, old := make([]*indexedGroup, 0, len(s.Groups)), c.groups
	for _, g := range s.Groups {
		for len(old) > 0 && old[0].name < g.Name {
			c.drop(old[0])
			old = old[1:]
		}
		if len(old) > 0 && old[0].name == g.Name {
			if sameMembers(old[0].members, g.Members) {
				groups, old = append(groups, old[0]), old[1:]
				continue
			}
			c.drop(old[0])
			old = old[1:]
		}
		groups = append(groups, c.index(g))
	}
	for _, gone := range old {
		c.drop(gone)
	}
	c.groups, c.snapshot = groups, this
}

func (c *clusterIndex) index(g *Group) *indexedGroup {
	indexed := &indexedGroup{name: g.Name, members: g.Members}
	var ids []string
	for i := range g.Members {
		m := &g.Members[i]
		if address, ok := hostAddress(m.ClientHost); ok {
			indexed.hosts = append(indexed.hosts, address)
		}
		ids = append(ids, m.InstanceID, m.ClientID)
	}
	slices.SortFunc(indexed.hosts, netip.Addr.Compare)
	indexed.hosts = slices.Compact(indexed.hosts)
	for _, host := range indexed.hosts {
		c.byHost[host] = append(c.byHost[host], indexed)
	}
	slices.Sort(ids)
	indexed.ids = strings.Join(slices.Compact(ids), "\n")
	if indexed.words = wordsOf(indexed.ids); indexed.words == nil {
		c.wordy = append(c.wordy, indexed)
	}
	for _, word := range indexed.words {
		c.byWord[word] = append(c.byWord[word], indexed)
	}
	return indexed
}

// wordsOf returns the words of a text, each once, not those without a letter; nil if there are too many.
func wordsOf(text string) []string {
	seen := map[string]bool{}
	all := []string{}
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return r < utf8.RuneSelf && !alphanumeric(byte(r)) }) {
		if seen[word] || strings.Trim(word, "0123456789") == "" {
			continue
		}
		if seen[word] = true; len(seen) > maxIndexedWords {
			return nil
		}
		all = append(all, word)
	}
	return all
}

func (c *clusterIndex) drop(g *indexedGroup) {
	for _, host := range g.hosts {
		remove(c.byHost, host, g)
	}
	for _, word := range g.words {
		remove(c.byWord, word, g)
	}
	if g.words == nil {
		c.wordy = slices.DeleteFunc(c.wordy, func(other *indexedGroup) bool { return other == g })
	}
}

func remove[K comparable](from map[K][]*indexedGroup, key K, g *indexedGroup) {
	rest := slices.DeleteFunc(from[key], func(other *indexedGroup) bool { return other == g })
	if from[key] = rest; len(rest) == 0 {
		delete(from, key)
	}
}

// candidates returns the names of the groups, in order, that have a member with one of the pods' addresses, or with an id that has
// the beginning of one of their names.
func (x *MemberIndex) candidates(cluster string, pods []Pod, all PodDirectory) []string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	c := x.clusters[cluster]
	if c == nil {
		return nil
	}
	var names []string
	for _, pod := range pods {
		for _, address := range all.Addresses(pod) {
			for _, g := range c.byHost[address] {
				if len(names) == 0 || names[len(names)-1] != g.name { // most often all are of one group
					names = append(names, g.name)
				}
			}
		}
	}
	for _, prefix := range prefixes(pods) {
		for _, groups := range [][]*indexedGroup{c.mentioning(prefix), c.wordy} {
			for _, g := range groups {
				if strings.Contains(g.ids, prefix) {
					names = append(names, g.name)
				}
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// mentioning returns the groups that have the rarest of the whole words of what a name begins with, of those that are in byWord.
func (c *clusterIndex) mentioning(prefix string) []*indexedGroup {
	rarest := c.groups
	for i, words := 0, strings.FieldsFunc(prefix, func(r rune) bool { return r == '-' || r == '.' }); i < len(words); i++ {
		whole := i < len(words)-1 || !alphanumeric(prefix[len(prefix)-1])
		if groups := c.byWord[words[i]]; whole && strings.Trim(words[i], "0123456789") != "" && len(groups) < len(rarest) {
			rarest = groups
		}
	}
	return rarest
}

// prefixes returns what the names of pods begin with: one prefix for all whose first word is the same, as are those of a workload.
func prefixes(pods []Pod) []string {
	byWord := map[string]string{}
	word, prefix := "", ""
	for _, pod := range pods {
		if next, _, _ := strings.Cut(pod.Name, "-"); next != word || prefix == "" {
			byWord[word] = prefix
			word, prefix = next, cmp.Or(byWord[next], pod.Name)
		}
		for !strings.HasPrefix(pod.Name, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	byWord[word] = prefix
	delete(byWord, "")
	var all []string
	for _, prefix := range byWord {
		all = append(all, prefix)
	}
	return all
}
