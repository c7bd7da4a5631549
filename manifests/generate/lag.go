package main

import "strings"

// lagDashboard shows lag: groups, who is stuck, topics, members, ages.
func lagDashboard() *dashboard {
	d := newDashboard("kafka-lag", "Kafka lag",
		"Consumer groups and topics, from lag-adapter or lag-exporter. Replicas count once. Of several installs on different Kafka clusters, choose one by its job.",
		labelVariable("job", "Job", "kafka_brokers", "job"),
		labelVariable("instance", "Instance", `kafka_brokers{job=~"$job"}`, "instance"),
		labelVariable("cluster", "Cluster", `kafka_brokers{job=~"$job"}`, "cluster"),
		labelVariable("group", "Group", expand("kafka_consumergroup_up{$CLUSTER}"), "consumergroup"),
		labelVariable("topic", "Topic", expand("kafka_topic_partitions{$CLUSTER}"), "topic"),
	)
	overviewRow(d)
	groupsRow(d)
	stuckRow(d)
	topicsRow(d)
	membersRow(d)
	agesRow(d)
	return d
}

// expand fills in the selectors and expressions that many queries share.
func expand(expr string) string {
	const (
		cluster = `job=~"$job", instance=~"$instance", cluster=~"$cluster"`
		group   = cluster + `, consumergroup=~"$group"`
		both    = group + `, topic=~"$topic"`
	)
	return strings.NewReplacer(
		// Records not consumed, by group and topic.
		"$TOPIC_LAG", `max by (cluster, consumergroup, topic) (kafka_consumergroup_lag_sum{`+both+`})`,
		// The same by group, while all of it is known.
		"$GROUP_LAG", `(sum by (cluster, consumergroup) (max by (cluster, consumergroup, topic) (kafka_consumergroup_lag_sum{`+both+`}))`+
			` and max by (cluster, consumergroup) (kafka_consumergroup_up{`+group+`}) == 1)`,
		// Records consumed per second, by group.
		"$GROUP_RATE", `sum by (cluster, consumergroup) (max by (cluster, consumergroup, topic, partition)`+
			` (clamp_min(delta(kafka_consumergroup_current_offset{`+both+`}[5m]), 0) / 300))`,
		"$TOPIC_RATE", `sum by (cluster, topic) (max by (cluster, topic, partition)`+
			` (clamp_min(delta(kafka_topic_partition_current_offset{`+cluster+`, topic=~"$topic"}[5m]), 0) / 300))`,
		// Partitions with lag on which nothing is committed while records come.
		"$STUCK", `((max by (cluster, consumergroup, topic, partition) (min_over_time(kafka_consumergroup_lag{`+both+`}[10m])) > 0`+
			` unless max by (cluster, consumergroup, topic, partition) (changes(kafka_consumergroup_current_offset{`+both+`}[10m])) > 0)`+
			` and on (cluster, topic, partition) max by (cluster, topic, partition) (changes(kafka_topic_partition_current_offset{`+cluster+`, topic=~"$topic"}[10m])) > 0)`,
		"$PARTITION_LAG", `max by (cluster, consumergroup, topic, partition) (kafka_consumergroup_lag{`+both+`})`,
		"$MEMBERS", `max by (cluster, consumergroup) (kafka_consumergroup_members{`+group+`})`,
		"$UP", `max by (cluster, consumergroup) (kafka_consumergroup_up{`+group+`})`,
		"$CLUSTER_TOPIC", cluster+`, topic=~"$topic"`,
		"$CLUSTER", cluster,
		"$GROUP_TOPIC", both,
		"$GROUP", group,
	).Replace(expr)
}

// q is a query with the shared parts filled in.
func q(expr, name string) query { return query{expand(expr), name} }

func overviewRow(d *dashboard) {
	d.row("Overview",
		stat("Groups", "", "", 0, q("count($UP)", "")),
		stat("Groups whose lag is not known", "They have no lag series, and HPAs on them hold.", "", 1, q("count($UP == 0) or vector(0)", "")),
		stat("Largest lag of a group", "", "short", 0, q("max($GROUP_LAG)", "")),
		stat("Stuck partitions", "With lag, new records and no commit for 10 minutes.", "", 1, q("count($STUCK) or vector(0)", "")),
		stat("Records lost, 24 h", "Deleted before a group had read them.", "short", 1,
			q("sum(max by (cluster, consumergroup, topic) (increase(kafka_consumergroup_lost_records_total{$GROUP_TOPIC}[24h])))", "")),
		stat("Under-replicated partitions", "", "", 1,
			q("sum(max by (cluster, topic, partition) (kafka_topic_partition_under_replicated_partition{$CLUSTER_TOPIC}))", "")),
	)
}

func groupsRow(d *dashboard) {
	d.row("Groups",
		graph("Lag", "Records. A gap means that a part of the group's lag is not known.", "short", 12, q("topk(15, $GROUP_LAG)", "{{cluster}} {{consumergroup}}")),
		graph("Consumed per second", "Records committed, over 5 minutes.", "short", 12, q("topk(15, $GROUP_RATE)", "{{cluster}} {{consumergroup}}")),
		table("Groups", "", 24,
			column{q("$GROUP_LAG", "Lag"), "short"},
			column{q("$GROUP_RATE", "Consumed/s"), "short"},
			column{q("$GROUP_LAG / ($GROUP_RATE > 0)", "Lag in time of consuming"), "s"},
			column{q("count by (cluster, consumergroup) ($PARTITION_LAG)", "Partitions"), "none"},
			column{q("$MEMBERS", "Members"), "none"},
			column{q("time() - max by (cluster, consumergroup) (kafka_consumergroup_read_timestamp_seconds{$GROUP})", "Age"), "s"},
			column{q("$UP", "Known"), "bool_yes_no"},
		),
	)
}

func stuckRow(d *dashboard) {
	d.row("Who is stuck",
		table("Stuck partitions", "Lag, new records and no commit for 10 minutes. Empty is good.", 12, column{q("$STUCK", "Lag"), "short"}),
		table("Partitions most behind", "", 12, column{q("topk(20, $PARTITION_LAG)", "Lag"), "short"}),
		graph("Stuck partitions by group", "", "none", 12,
			q("count by (cluster, consumergroup) ($STUCK) or 0 * $UP", "{{cluster}} {{consumergroup}}")),
		graph("Records lost to retention, per minute", "Deleted before the group had read them.", "short", 12,
			q("60 * max by (cluster, consumergroup, topic) (rate(kafka_consumergroup_lost_records_total{$GROUP_TOPIC}[5m]))", "{{cluster}} {{consumergroup}} {{topic}}")),
	)
}

func topicsRow(d *dashboard) {
	d.row("Topics",
		graph("Written per second", "Records, over 5 minutes.", "short", 12, q("topk(15, $TOPIC_RATE)", "{{cluster}} {{topic}}")),
		graph("Lag by topic and group", "", "short", 12, q("topk(15, $TOPIC_LAG)", "{{cluster}} {{topic}} / {{consumergroup}}")),
		graph("Records held", "Between the oldest and the next record.", "short", 12,
			q("topk(15, sum by (cluster, topic) (max by (cluster, topic, partition) (kafka_topic_partition_current_offset{$CLUSTER_TOPIC} - kafka_topic_partition_oldest_offset{$CLUSTER_TOPIC})))",
				"{{cluster}} {{topic}}")),
		table("Topics", "", 12,
			column{q("$TOPIC_RATE", "Written/s"), "short"},
			column{q("max by (cluster, topic) (kafka_topic_partitions{$CLUSTER_TOPIC})", "Partitions"), "none"},
			column{q("count by (cluster, topic) (max by (cluster, topic, partition) (kafka_topic_partition_leader{$CLUSTER_TOPIC}))", "With a leader"), "none"},
			column{q("sum by (cluster, topic) (max by (cluster, topic, partition) (kafka_topic_partition_under_replicated_partition{$CLUSTER_TOPIC}))", "Under-replicated"), "none"},
		),
	)
}

func membersRow(d *dashboard) {
	d.row("Members and capacity",
		graph("Members", "", "none", 8, q("topk(15, $MEMBERS)", "{{cluster}} {{consumergroup}}")),
		graph("Partitions per member", "Below 1 there are members without a partition: more replicas do not help.", "short", 8,
			q("bottomk(15, count by (cluster, consumergroup) ($PARTITION_LAG) / ($MEMBERS > 0))", "{{cluster}} {{consumergroup}}")),
		graph("Consumed per second and member", "What one replica does: the base of a target for its HPA.", "short", 8,
			q("topk(15, $GROUP_RATE / ($MEMBERS > 0))", "{{cluster}} {{consumergroup}}")),
	)
}

func agesRow(d *dashboard) {
	d.row("Ages",
		graph("Time since the lag was read", "By group, the oldest.", "s", 12,
			q("topk(15, time() - max by (cluster, consumergroup) (kafka_consumergroup_read_timestamp_seconds{$GROUP}))", "{{cluster}} {{consumergroup}}")),
		graph("Groups whose lag is not known", "", "none", 12, q("count by (cluster) ($UP == 0) or 0 * count by (cluster) ($UP)", "{{cluster}}")),
	)
}
