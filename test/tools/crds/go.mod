// Where the kinds of other projects that the charts make use of come from:
// their modules have the CustomResourceDefinitions. No code of theirs is
// compiled. test/e2e/build.sh copies the files.
module github.com/kafka-lag-adapter/kafka-lag-adapter/test/tools/crds

go 1.26.0

require (
	github.com/cert-manager/cert-manager v1.21.2
	github.com/prometheus-operator/prometheus-operator v0.85.0
)
