// Package kube knows the cluster's objects: which pods there are, which objects can be scaled and by which pods, and the
// annotations that say with which consumer groups they go.
//
// [Pods] watches them, so a request costs no call to the API server, and the last list serves while the API server is away.
// [Objects] asks the API server, with a short memory, and [Annotations] asks both.
//
// It needs list and watch on pods, get on the scale subresource (`*/scale`), and get and list on the kinds whose annotations
// count. It writes nothing.
package kube
