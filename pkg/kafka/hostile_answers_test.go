package kafka_test

import (
	"math"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// impossibleAnswers are changes of honest answers, by kind of request. Each leaves what it contradicts in place.
func impossibleAnswers() map[kmsg.Key]map[string]func(kmsg.Response) {
	return map[kmsg.Key]map[string]func(kmsg.Response){
		kmsg.Metadata:                  impossibleMetadata(),
		kmsg.ListGroups:                impossibleLists(),
		kmsg.DescribeGroups:            impossibleDescriptions(),
		kmsg.ConsumerGroupDescribe:     impossibleConsumerDescriptions(),
		kmsg.OffsetFetch:               impossibleCommits(),
		kmsg.DescribeShareGroupOffsets: impossibleShareOffsets(),
		kmsg.ListOffsets:               impossibleOffsets(),
	}
}

// change makes a change of a response of one type one of any response.
func change[T kmsg.Response](f func(T)) func(kmsg.Response) {
	return func(resp kmsg.Response) { f(resp.(T)) }
}

func impossibleMetadata() map[string]func(kmsg.Response) {
	type response = *kmsg.MetadataResponse
	return map[string]func(kmsg.Response){
		"topics twice": change(func(r response) { r.Topics = append(r.Topics, slices.Clone(r.Topics)...) }),
		"topics twice, then with one partition": change(func(r response) {
			for _, topic := range slices.Clone(r.Topics) {
				topic.Partitions = topic.Partitions[:1]
				r.Topics = append(r.Topics, topic)
			}
		}),
		"partitions twice": change(func(r response) {
			for i := range r.Topics {
				r.Topics[i].Partitions = append(r.Topics[i].Partitions, slices.Clone(r.Topics[i].Partitions)...)
			}
		}),
		"partitions with negative numbers": change(func(r response) {
			for i := range r.Topics {
				extra := r.Topics[i].Partitions[0]
				extra.Partition = -1
				r.Topics[i].Partitions = append(r.Topics[i].Partitions, extra)
			}
		}),
		"leaders that do not exist": change(func(r response) {
			for i := range r.Topics {
				r.Topics[i].Partitions[0].Leader = 77
			}
		}),
		"brokers twice":  change(func(r response) { r.Brokers = append(r.Brokers, r.Brokers...) }),
		"topics unnamed": change(func(r response) { r.Topics = append(r.Topics, kmsg.MetadataResponseTopic{}) }),
	}
}

func impossibleLists() map[string]func(kmsg.Response) {
	type response = *kmsg.ListGroupsResponse
	return map[string]func(kmsg.Response){
		"groups twice": change(func(r response) { r.Groups = append(r.Groups, slices.Clone(r.Groups)...) }),
		"groups twice, of two types": change(func(r response) {
			for _, g := range slices.Clone(r.Groups) {
				g.GroupType = map[string]string{"classic": "consumer", "consumer": "share", "share": "streams", "streams": "classic"}[g.GroupType]
				r.Groups = append(r.Groups, g)
			}
		}),
		"groups of other brokers": change(func(r response) {
			for g := range hostileShape().Groups {
				r.Groups = append(r.Groups, kmsg.ListGroupsResponseGroup{Group: hostileShape().Group(g), ProtocolType: "consumer", GroupState: "Stable", GroupType: "classic"})
			}
		}),
		"groups that do not exist": change(func(r response) {
			r.Groups = append(r.Groups, kmsg.ListGroupsResponseGroup{Group: "", GroupType: "classic"}, kmsg.ListGroupsResponseGroup{Group: "nobody", GroupType: "nonsense"})
		}),
	}
}

func impossibleDescriptions() map[string]func(kmsg.Response) {
	type response = *kmsg.DescribeGroupsResponse
	return map[string]func(kmsg.Response){
		"groups twice": change(func(r response) { r.Groups = append(r.Groups, slices.Clone(r.Groups)...) }),
		"a group that was not asked for": change(func(r response) {
			r.Groups = append(r.Groups, kmsg.DescribeGroupsResponseGroup{Group: "group-00000", State: "Dead"}, kmsg.DescribeGroupsResponseGroup{Group: "nobody"})
		}),
		"members of noise": change(func(r response) {
			for i := range r.Groups {
				for j := range r.Groups[i].Members {
					r.Groups[i].Members[j].ProtocolMetadata = []byte{0, 1, 0x7f, 0xff, 0xff, 0xff}
					r.Groups[i].Members[j].MemberAssignment = []byte{0, 1, 0xff, 0xff, 0xff, 0xfe}
				}
			}
		}),
		"members with negative partitions": change(func(r response) {
			assignment := kmsg.ConsumerMemberAssignment{Topics: []kmsg.ConsumerMemberAssignmentTopic{{Topic: "topic-00000", Partitions: []int32{-7, math.MinInt32, 0, 0}}}}
			for i := range r.Groups {
				if r.Groups[i].Group != "group-00000" {
					continue
				}
				for j := range r.Groups[i].Members {
					r.Groups[i].Members[j].MemberAssignment = assignment.AppendTo(nil)
				}
			}
		}),
	}
}

func impossibleConsumerDescriptions() map[string]func(kmsg.Response) {
	type response = *kmsg.ConsumerGroupDescribeResponse
	return map[string]func(kmsg.Response){
		"groups twice": change(func(r response) { r.Groups = append(r.Groups, slices.Clone(r.Groups)...) }),
		"members with negative partitions": change(func(r response) {
			for i := range r.Groups {
				for j := range r.Groups[i].Members {
					for k := range r.Groups[i].Members[j].Assignment.TopicPartitions {
						topic := &r.Groups[i].Members[j].Assignment.TopicPartitions[k]
						topic.Partitions = append(topic.Partitions, -1, math.MinInt32)
					}
				}
			}
		}),
	}
}

func impossibleCommits() map[string]func(kmsg.Response) {
	type response = *kmsg.OffsetFetchResponse
	type partition = kmsg.OffsetFetchResponseGroupTopicPartition
	offset := func(value int64) func(kmsg.Response) {
		return change(func(r response) {
			for i := range r.Groups {
				r.Groups[i].Topics[0].Partitions[i%2].Offset = value
			}
		})
	}
	return map[string]func(kmsg.Response){
		"groups twice": change(func(r response) {
			for _, g := range slices.Clone(r.Groups) {
				g.Topics = []kmsg.OffsetFetchResponseGroupTopic{{Topic: g.Topics[0].Topic, Partitions: []partition{{Partition: 0, Offset: 5}}}}
				r.Groups = append(r.Groups, g)
			}
		}),
		"groups twice, the wrong answer first": change(func(r response) {
			honest := r.Groups
			r.Groups = nil
			for _, g := range honest {
				partitions := slices.Clone(g.Topics[0].Partitions)
				partitions[0].Offset--
				g.Topics = []kmsg.OffsetFetchResponseGroupTopic{{Topic: g.Topics[0].Topic, Partitions: partitions}}
				r.Groups = append(r.Groups, g)
			}
			r.Groups = append(r.Groups, honest...)
		}),
		"topics twice": change(func(r response) {
			for i := range r.Groups {
				g := &r.Groups[i]
				g.Topics = append(g.Topics, kmsg.OffsetFetchResponseGroupTopic{Topic: g.Topics[0].Topic, Partitions: []partition{{Partition: 0, Offset: 5}}})
			}
		}),
		"partitions twice": change(func(r response) {
			for i := range r.Groups {
				topic := &r.Groups[i].Topics[0]
				topic.Partitions = append(topic.Partitions, partition{Partition: 2, Offset: 5}, partition{Partition: 2, Offset: 6})
			}
		}),
		"negative partitions": change(func(r response) {
			for i := range r.Groups {
				topic := &r.Groups[i].Topics[0]
				topic.Partitions = append(topic.Partitions, partition{Partition: -1, Offset: 5}, partition{Partition: math.MinInt32, Offset: 5})
			}
		}),
		"partitions that do not exist": change(func(r response) {
			for i := range r.Groups {
				topic := &r.Groups[i].Topics[0]
				topic.Partitions = append(topic.Partitions, partition{Partition: math.MaxInt32, Offset: 5})
			}
		}),
		"groups that were not asked for": change(func(r response) {
			for g := range hostileShape().Groups {
				name := hostileShape().Group(g)
				if !slices.ContainsFunc(r.Groups, func(one kmsg.OffsetFetchResponseGroup) bool { return one.Group == name }) {
					r.Groups = append(r.Groups, kmsg.OffsetFetchResponseGroup{Group: name, Topics: []kmsg.OffsetFetchResponseGroupTopic{
						{Topic: "topic-00000", Partitions: []partition{{Partition: 0, Offset: 5}}}}})
				}
			}
		}),
		"groups left out":       change(func(r response) { r.Groups = r.Groups[:1] }),
		"offset -2":             offset(-2),
		"the smallest offset":   offset(math.MinInt64),
		"the largest offset":    offset(math.MaxInt64),
		"an offset beyond 2^53": offset(1<<53 + 1),
	}
}

func impossibleShareOffsets() map[string]func(kmsg.Response) {
	type response = *kmsg.DescribeShareGroupOffsetsResponse
	type partition = kmsg.DescribeShareGroupOffsetsResponseGroupTopicPartition
	each := func(f func(*partition)) func(kmsg.Response) {
		return change(func(r response) {
			for i := range r.Groups {
				f(&r.Groups[i].Topics[0].Partitions[i%2])
			}
		})
	}
	return map[string]func(kmsg.Response){
		"groups twice": change(func(r response) {
			for _, g := range slices.Clone(r.Groups) {
				g.Topics = nil
				r.Groups = append(r.Groups, g)
			}
		}),
		"partitions twice": change(func(r response) {
			for i := range r.Groups {
				topic := &r.Groups[i].Topics[0]
				topic.Partitions = append(topic.Partitions, partition{Partition: 2, StartOffset: 5, Lag: 3})
			}
		}),
		"start -2":           each(func(p *partition) { p.StartOffset = -2 }),
		"the smallest start": each(func(p *partition) { p.StartOffset = math.MinInt64 }),
		"the largest start":  each(func(p *partition) { p.StartOffset = math.MaxInt64 }),
		"lag -2":             each(func(p *partition) { p.Lag = -2 }),
		"the smallest lag":   each(func(p *partition) { p.Lag = math.MinInt64 }),
		"the largest lag":    each(func(p *partition) { p.Lag = math.MaxInt64 }),
	}
}

func impossibleOffsets() map[string]func(kmsg.Response) {
	type response = *kmsg.ListOffsetsResponse
	type partition = kmsg.ListOffsetsResponseTopicPartition
	// The honest starts of logs are small, the ends are not.
	isStart := func(p *partition) bool { return p.Offset < 1<<20 }
	offset := func(start bool, value int64) func(kmsg.Response) {
		return change(func(r response) {
			for i := range r.Topics {
				if p := &r.Topics[i].Partitions[0]; isStart(p) == start {
					p.Offset = value
				}
			}
		})
	}
	again := func(value int64) func(kmsg.Response) {
		return change(func(r response) {
			for i := range r.Topics {
				twice := r.Topics[i].Partitions[0]
				twice.Offset = value
				r.Topics[i].Partitions = append(r.Topics[i].Partitions, twice)
			}
		})
	}
	return map[string]func(kmsg.Response){
		"topics twice": change(func(r response) {
			for _, t := range slices.Clone(r.Topics) {
				twice := t.Partitions[0]
				twice.Offset += 1000
				r.Topics = append(r.Topics, kmsg.ListOffsetsResponseTopic{Topic: t.Topic, Partitions: []partition{twice}})
			}
		}),
		"partitions twice":                 again(1 << 30),
		"partitions twice, then no offset": again(-1),
		"partitions led by others, and none": change(func(r response) {
			for i := range r.Topics {
				for p := range int32(8) {
					if !slices.ContainsFunc(r.Topics[i].Partitions, func(one partition) bool { return one.Partition == p }) {
						r.Topics[i].Partitions = append(r.Topics[i].Partitions, partition{Partition: p, Offset: 1 << 40, LeaderEpoch: 9})
					}
				}
			}
		}),
		"topics left out": change(func(r response) { r.Topics = r.Topics[:1] }),
		"partitions left out": change(func(r response) {
			for i := range r.Topics {
				r.Topics[i].Partitions = r.Topics[i].Partitions[:1]
			}
		}),
		"end -1":             offset(false, -1),
		"end -2":             offset(false, -2),
		"the smallest end":   offset(false, math.MinInt64),
		"the largest end":    offset(false, math.MaxInt64),
		"start -1":           offset(true, -1),
		"start -2":           offset(true, -2),
		"the smallest start": offset(true, math.MinInt64),
		"the largest start":  offset(true, math.MaxInt64),
	}
}
