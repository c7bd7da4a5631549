package lag

import "slices"

// What a collection worked out stands in arrays of all groups together, and an array stays in memory as long as a part of it is in
// use. So what is remembered for longer is copied out of them: else a reading of one group would keep those of all others, these the
// earlier ones that they remember, and so on without an end for as long as something cannot be read.

// detached returns the group with its topics and rows in memory of their own.
func (g *Group) detached() *Group {
	if g.alone {
		return g
	}
	own := *g
	own.alone = true
	own.Topics = slices.Clone(g.Topics)
	for i := range own.Topics {
		t := &own.Topics[i]
		t.Partitions = slices.Clone(t.Partitions)
		if t.basis != nil {
			basis := *t.basis
			t.basis = &basis
		}
	}
	return &own
}

// remembered returns a complete reading for those to come to refer to, as the values that it is and no more.
func (t *TopicLag) remembered() *TopicLag {
	return &TopicLag{Topic: t.Topic, ReadAt: t.ReadAt, Partitions: slices.Clone(t.Partitions), Lost: t.Lost}
}

// remembered is the same of a whole group.
func (g *Group) remembered() *Group {
	own := *g
	own.alone, own.LastComplete = true, nil
	own.Topics = make([]TopicLag, len(g.Topics))
	for i := range g.Topics {
		own.Topics[i] = *g.Topics[i].remembered()
	}
	return &own
}
