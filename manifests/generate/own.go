package main

// own selects the program's own series, whose label cluster is always there.
const own = `job=~"$job", instance=~"$instance"`

// ownDashboard shows how the programs do. Its graphs are by replica, as each polls and answers by itself.
func ownDashboard() *dashboard {
	d := newDashboard("kafka-lag-adapter", "Kafka lag adapter",
		"How lag-adapter and lag-exporter do: reading Kafka, answering HPAs, and what they take.",
		labelVariable("job", "Job", "kafka_lag_build_info", "job"),
		labelVariable("instance", "Instance", `kafka_lag_build_info{job=~"$job"}`, "instance"),
		labelVariable("cluster", "Cluster", "kafka_lag_collector_cluster_up{"+own+"}", "cluster"),
	)
	const byCluster = own + `, cluster=~"$cluster"`
	d.row("Overview",
		stat("Replicas", "", "", 0, query{"count(kafka_lag_build_info{" + own + "})", ""}),
		upStat("Kafka clusters", "Down if a replica reaches no broker of one.", query{"min(kafka_lag_collector_cluster_up{" + byCluster + "})", ""}),
		upStat("Brokers", "Down if one did not answer every request of a replica.", query{"min(kafka_lag_collector_broker_up{" + byCluster + "}) or vector(0)", ""}),
		stat("Oldest snapshot", "", "s", 60, query{"max(kafka_lag_collector_snapshot_age_seconds{" + byCluster + "})", ""}),
		stat("Groups not collected", "Beyond --max-groups or --max-partitions.", "", 1,
			query{"sum(max by (cluster) (kafka_lag_collector_uncollected_groups{" + byCluster + "}))", ""}),
		upStat("Configuration", "Down if a replica refused a changed configuration.", query{"min(kafka_lag_config_last_reload_successful{" + own + "})", ""}),
	)
	readingRow(d, byCluster)
	answeringRow(d)
	processRow(d)
	return d
}

func readingRow(d *dashboard, byCluster string) {
	d.row("Reading Kafka",
		graph("Time of a poll, 99 %", "Of all groups, and of those that the metrics API was asked for.", "s", 12, query{
			"histogram_quantile(0.99, sum by (instance, cluster, lane, le) (rate(kafka_lag_collector_poll_duration_seconds_bucket{" + byCluster + "}[$__rate_interval])))",
			"{{instance}} {{cluster}} {{lane}}",
		}),
		graph("Polls per second", "", "short", 12, query{
			"sum by (instance, cluster, lane) (rate(kafka_lag_collector_poll_duration_seconds_count{" + byCluster + "}[$__rate_interval]))",
			"{{instance}} {{cluster}} {{lane}}",
		}),
		graph("Read errors per second", "By class. Items that could not be read, in each poll anew.", "short", 12, query{
			"sum by (instance, cluster, class) (rate(kafka_lag_collector_read_errors_total{" + byCluster + "}[$__rate_interval]))",
			"{{instance}} {{cluster}} {{class}}",
		}),
		graph("Age of the snapshot", "", "s", 12, query{"max by (instance, cluster) (kafka_lag_collector_snapshot_age_seconds{" + byCluster + "})", "{{instance}} {{cluster}}"}),
		graph("Time since a broker answered everything", "", "s", 12, query{
			"time() - max by (instance, cluster, broker) (kafka_lag_collector_broker_last_success_timestamp_seconds{" + byCluster + "})",
			"{{instance}} {{cluster}} {{broker}}",
		}),
		graph("Groups that HPAs ask for", "They are read every --hot-interval.", "none", 12, query{
			"max by (instance, cluster) (kafka_lag_collector_wanted_groups{" + byCluster + "})", "{{instance}} {{cluster}}",
		}),
		graph("Time since the list of groups was complete", "", "s", 12, query{
			"time() - max by (instance, cluster) (kafka_lag_collector_cluster_last_success_timestamp_seconds{" + byCluster + "})", "{{instance}} {{cluster}}",
		}),
		table("Builds", "", 12, column{query{"max by (instance, program, version, revision, config_hash) (kafka_lag_build_info{" + own + "})", "Up"}, "bool_yes_no"}),
	)
}

func answeringRow(d *dashboard) {
	d.row("Answering HPAs (lag-adapter)",
		graph("Requests per second", "By API and status; 503 is a lag that is not known.", "reqps", 8,
			query{"sum by (api, code) (rate(kafka_lag_adapter_requests_total{" + own + "}[$__rate_interval]))", "{{api}} {{code}}"}),
		graph("Age of the values served", "", "s", 8,
			query{"histogram_quantile(0.5, sum by (le) (rate(kafka_lag_adapter_value_age_seconds_bucket{" + own + "}[$__rate_interval])))", "50 %"},
			query{"histogram_quantile(0.99, sum by (le) (rate(kafka_lag_adapter_value_age_seconds_bucket{" + own + "}[$__rate_interval])))", "99 %"}),
		graph("Age of the list of pods", "0 while the API server can be watched.", "s", 8,
			query{"max by (instance) (kafka_lag_adapter_pods_age_seconds{" + own + "})", "{{instance}}"}),
	)
}

func processRow(d *dashboard) {
	d.row("Process",
		graph("CPU", "", "none", 6, query{"rate(process_cpu_seconds_total{" + own + "}[$__rate_interval])", "{{instance}}"}),
		graph("Resident memory", "", "bytes", 6, query{"process_resident_memory_bytes{" + own + "}", "{{instance}}"}),
		graph("Goroutines", "", "none", 6, query{"go_goroutines{" + own + "}", "{{instance}}"}),
		graph("Open files", "", "none", 6, query{"process_open_fds{" + own + "}", "{{instance}}"}),
	)
}
