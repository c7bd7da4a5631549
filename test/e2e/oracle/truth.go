package oracle

import (
	"fmt"
	"time"
)

// Offsets are all commits and all log offsets, read between two times: commits
// before log offsets, so no lag counted from them is negative.
type Offsets struct {
	Before, After time.Time

	Groups     []GroupCommits    `json:"groups"`
	Partitions []PartitionOffset `json:"partitions"`
}

// GroupCommits are what one group has committed, or why that is not known.
type GroupCommits struct {
	Group   string   `json:"group"`
	Type    string   `json:"type"` // Classic, Consumer, Share or Streams
	Error   string   `json:"error"`
	Commits []Commit `json:"commits"`
}

// Commit is a group's offset in a partition.
type Commit struct {
	Partition
	Offset   int64  `json:"offset"`   // a share group's: where its window starts, -1 before anything was acknowledged
	ShareLag *int64 `json:"shareLag"` // the broker's own count, for share groups
}

// PartitionOffset is the state of a partition's log, or why that is not known.
type PartitionOffset struct {
	Partition
	TopicID       string `json:"topicId"`
	Start         int64  `json:"start"`
	HighWatermark int64  `json:"highWatermark"`
	LastStable    int64  `json:"lastStable"`
	Error         string `json:"error"`
}

// Partition names a partition.
type Partition struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
}

// Group is a group as its coordinator describes it.
type Group struct {
	Group    string   `json:"group"`
	Type     string   `json:"type"`
	Protocol string   `json:"protocol"`
	State    string   `json:"state"`
	Error    string   `json:"error"`
	Members  []Member `json:"members"`
}

// Member is a member of a group. Assignments are given for all but members of
// other classic protocols, such as Connect's.
type Member struct {
	ID         string      `json:"id"`
	ClientID   string      `json:"clientId"`
	InstanceID string      `json:"instanceId"`
	Host       string      `json:"host"` // with Kafka's leading slash
	Assignment []Partition `json:"assignment"`
}

// Group finds a group's commits.
func (o *Offsets) Group(name string) (GroupCommits, error) {
	for _, g := range o.Groups {
		if g.Group != name {
			continue
		}
		if g.Error != "" {
			return GroupCommits{}, fmt.Errorf("oracle: group %q: %s", name, g.Error)
		}
		return g, nil
	}
	return GroupCommits{}, fmt.Errorf("oracle: there is no group %q", name)
}

// Log finds a partition's log offsets.
func (o *Offsets) Log(p Partition) (PartitionOffset, error) {
	for _, l := range o.Partitions {
		if l.Partition != p {
			continue
		}
		if l.Error != "" {
			return PartitionOffset{}, fmt.Errorf("oracle: partition %d of %s: %s", p.Partition, p.Topic, l.Error)
		}
		return l, nil
	}
	return PartitionOffset{}, fmt.Errorf("oracle: there is no partition %d of %s", p.Partition, p.Topic)
}

// Lag is the lag of a group over the partitions of a topic in which it has
// committed, counted to the high watermark and not from before the log's start.
func (o *Offsets) Lag(group, topic string) (int64, error) {
	g, err := o.Group(group)
	if err != nil {
		return 0, err
	}
	var lag int64
	for _, c := range g.Commits {
		if c.Topic != topic {
			continue
		}
		log, err := o.Log(c.Partition)
		if err != nil {
			return 0, err
		}
		lag += log.HighWatermark - max(c.Offset, log.Start)
	}
	return lag, nil
}
