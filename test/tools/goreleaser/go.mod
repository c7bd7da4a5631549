// GoReleaser, which makes releases by .goreleaser.yaml. `make release-check`
// builds it and has it check that file. Kept apart, as it is larger than all
// that is released.
module github.com/kafka-lag-adapter/kafka-lag-adapter/test/tools/goreleaser

go 1.26.4

tool github.com/goreleaser/goreleaser/v2

require github.com/goreleaser/goreleaser/v2 v2.16.0
