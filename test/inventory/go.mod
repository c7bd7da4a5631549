// What the programs are made of: bills of materials and licences. A module of
// its own, for its libraries are none of the product's.
module github.com/kafka-lag-adapter/kafka-lag-adapter/test/inventory

go 1.26.0

require (
	github.com/CycloneDX/cyclonedx-go v0.12.0
	github.com/google/licensecheck v0.3.1
)
