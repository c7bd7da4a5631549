package exporter

import "github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"

// own are the families that no dialect has. They say whether and since when a group's values can be believed, in series of
// their own, as one more label on a series that others know would break their queries.
func own() []family {
	return []family{
		{name: "kafka_consumergroup_up", write: writeUp,
			help: "1 if the lag of the whole group was read within --max-age, else 0; the series of what is not known are then absent."},
		{name: "kafka_consumergroup_read_timestamp_seconds", unit: "seconds", write: writeReadTimestamp,
			help: "Unix time at which the lag of the whole group was last read; absent if it never was."},
		{name: "kafka_consumergroup_lost_records_total", kind: counter, write: writeLost,
			help: "Records of the topic that retention or DeleteRecords deleted before the group had read them, since the program started; it is at least so many."},
	}
}

func writeLost(e *encoder, s *lag.Snapshot) {
	for _, g := range s.Groups {
		if g.ReadAt.IsZero() || e.now.Sub(g.ReadAt) > e.maxAge {
			continue
		}
		e.ages(g.ReadAt)
		for i := range g.Topics {
			e.at(e.group(g), label{name: e.names.topic, value: g.Topics[i].Topic})
			e.sample(g.Topics[i].Lost)
		}
	}
}

func writeUp(e *encoder, s *lag.Snapshot) {
	for _, g := range s.Groups {
		e.at(e.group(g))
		known := g.Known(e.now, e.maxAge)
		e.sample(oneIf(known))
		if known {
			e.ages(g.CompleteAt())
		}
	}
}

func writeReadTimestamp(e *encoder, s *lag.Snapshot) {
	for _, g := range s.Groups {
		if at := g.CompleteAt(); !at.IsZero() {
			e.at(e.group(g))
			e.timestamp(at)
		}
	}
}
