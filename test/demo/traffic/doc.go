// Package traffic is the demo's workload: an in-process Kafka, a producer whose rate varies, and a pool of consumers, each of which
// processes so many records a second and no more.
package traffic
