// Package docs holds the documentation against what it speaks of: links and their anchors, metrics, alerts, and the messages that it
// quotes. The flags are held against --help in pkg/app/metricsapi, which links the programs.
package docs
