// Package kube knows the cluster's objects: which pods there are, and which objects can be scaled.
//
// [Pods] answers from an informer's cache, so a request costs no call to the API server, and the last list serves while the API
// server is away. [Workloads] reads the scale subresource, with a short cache.
//
// It needs get, list and watch on pods, and get on the scale subresource (`*/scale`). It writes nothing.
package kube
