// Package tenants says which consumer groups each namespace was granted, and shows a namespace the snapshots without the others.
//
// [Isolated] hides a group by showing a cluster that does not have it. What answers a request from there cannot tell a group that
// is hidden from one that does not exist, and so cannot let anybody else tell.
package tenants
