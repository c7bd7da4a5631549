package main

import (
	"github.com/twmb/franz-go/pkg/kmsg"
)

// flatten makes rows of an answer that the library has decoded. They are those that decode makes.
func flatten(resp kmsg.Response) (rows []row) {
	switch r := resp.(type) {
	case *kmsg.MetadataResponse:
		for i := range r.Topics {
			for _, p := range r.Topics[i].Partitions {
				rows = append(rows, row{item: int32(i), code: p.ErrorCode, partition: p.Partition, more: int64(p.Leader), epoch: p.LeaderEpoch,
					offset: int64(len(p.Replicas))<<32 | int64(len(p.ISR))})
			}
		}
	case *kmsg.ListGroupsResponse:
		for i := range r.Groups {
			rows = append(rows, row{item: int32(i)})
		}
	case *kmsg.OffsetFetchResponse:
		for i := range r.Groups {
			for _, t := range r.Groups[i].Topics {
				for _, p := range t.Partitions {
					rows = append(rows, row{item: int32(i), partition: p.Partition, offset: p.Offset, epoch: p.LeaderEpoch, code: p.ErrorCode})
				}
			}
		}
	case *kmsg.ListOffsetsResponse:
		for i := range r.Topics {
			for _, p := range r.Topics[i].Partitions {
				rows = append(rows, row{item: int32(i), partition: p.Partition, code: p.ErrorCode, more: p.Timestamp, offset: p.Offset, epoch: p.LeaderEpoch})
			}
		}
	case *kmsg.DescribeGroupsResponse:
		for i := range r.Groups {
			for range r.Groups[i].Members {
				rows = append(rows, row{item: int32(i)})
			}
		}
	case *kmsg.ConsumerGroupDescribeResponse:
		for i := range r.Groups {
			for range r.Groups[i].Members {
				rows = append(rows, row{item: int32(i)})
			}
		}
	case *kmsg.FindCoordinatorResponse:
		for i, c := range r.Coordinators {
			rows = append(rows, row{item: int32(i), partition: c.NodeID, code: c.ErrorCode})
		}
	}
	return rows
}
