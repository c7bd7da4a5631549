// Package adapter serves lag snapshots as custom.metrics.k8s.io and external.metrics.k8s.io.
//
// A [Provider] answers the four metrics of the APIs from the latest snapshots, as the namespace in question may see them: a
// [Binder] turns what was asked for into a [lag.Selection], [lag.SumByPod] totals it and divides the total among the
// pods that were asked for. No request calls Kafka. What is confirmed absent is answered with 404, what is unknown with 503 and its reason, a bad
// selector or annotation with 400: to the HorizontalPodAutoscaler each of them means that the replicas stay as they are.
//
// A [Server] is the secure port: TLS, delegated authentication and authorization, discovery, OpenAPI, /livez and /readyz.
//
// The package does not import the other packages that know Kubernetes: it declares [Pods], [Objects] and [Annotations], and whoever builds
// the server passes implementations in.
package adapter
