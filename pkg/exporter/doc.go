// Package exporter serves lag snapshots, and the program's own metrics, to Prometheus.
//
// What is in a snapshot is encoded when the first scrape asks for it in some format, and kept until there is a new snapshot or
// until the first value in it gets older than max-age; every other scrape copies bytes. The program's own metrics are rendered
// at each scrape and follow in the same response.
//
// A dialect is a list of metric families, in a file of its own. A value that is not known has no series: never a zero, never a
// sentinel, never a partial sum.
package exporter
