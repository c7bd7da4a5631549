// Package collector polls: it has each cluster read at its interval, has the lag computed, and publishes the snapshot to the
// [Store] that all readers share. It also keeps what an operator wants to know of the polling itself: metrics, the log of what
// went wrong and recovered, and whether the loop is alive.
package collector
