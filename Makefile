# `make` alone prints the targets: the text after each ##.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory

GO ?= go
MODULE := github.com/kafka-lag-adapter/kafka-lag-adapter

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
REVISION ?= $(shell git rev-parse HEAD 2>/dev/null)
LDFLAGS := -s -w -X $(MODULE)/pkg/version.version=$(VERSION) -X $(MODULE)/pkg/version.revision=$(REVISION)

# Every module with Go code in it; those of test/tools hold versions of tools only.
MODULES := . $(patsubst %/go.mod,%,$(wildcard test/*/go.mod))
# Those whose tests need Go and nothing else.
UNIT_MODULES := $(filter-out test/e2e,$(MODULES))

# Not test/tools/controlplane: tidied, its go.mod would no longer tell which versions were chosen.
TIDY_MODULES := $(MODULES) test/tools/lint test/tools/checks

# The race detector needs a C compiler, the programs do not.
RACE := $(if $(shell command -v $$($(GO) env CC)),-race)

# All but the race detector's builds are made in this one way, so that they share what is compiled: Kubernetes takes minutes.
# grpcnotrace: gRPC without golang.org/x/net/trace, which nobody here asks and whose templates look up methods by name, so that the linker
# would have to keep all of them, 29 MB in lag-adapter.
STATIC := CGO_ENABLED=0 GOFLAGS='$(shell $(GO) env GOFLAGS) -trimpath -tags=grpcnotrace'

# in-each DIRS,COMMAND: runs it in all of them, and fails at the end if it failed in one.
in-each = failed=; for dir in $(1); do echo "$$dir: $(2)"; (cd $$dir && $(2)) || failed+=" $$dir"; done; \
	[[ -z $$failed ]] || { echo "failed in:$$failed" >&2; exit 1; }

.PHONY: help
help:
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##### Build

.PHONY: build
build: ## build bin/lag-adapter and bin/lag-exporter
	$(STATIC) $(GO) build -ldflags '$(LDFLAGS)' -o bin/ ./cmd/...

.PHONY: image
image: ## build both container images, with buildah or docker (VERSION, IMAGE_PREFIX, BUILDER, BASE)
image: image-lag-adapter image-lag-exporter

IMAGE_PREFIX ?= ghcr.io/kafka-lag-adapter
IMAGE_BUILD ?= $(if $(shell command -v buildah),buildah build,docker build)
image-%:
	$(IMAGE_BUILD) --target $* --tag $(IMAGE_PREFIX)/$*:$(or $(VERSION),latest) --build-arg LDFLAGS='$(LDFLAGS)' \
		--build-arg VERSION='$(VERSION)' --build-arg REVISION='$(REVISION)' \
		$(if $(BUILDER),--build-arg BUILDER=$(BUILDER)) $(if $(BASE),--build-arg BASE=$(BASE)) \
		$(if $(GOPROXY),--build-arg GOPROXY=$(GOPROXY)) .

.PHONY: clean
clean: ## remove bin and .cache
	@[[ ! -e .cache/run/stack.json ]] || { echo 'the stack of `make e2e-up` may be running: run `make e2e-down` first' >&2; exit 1; }
	rm -rf bin build dist .cache

##### Try

.PHONY: demo
demo: ## show it at work: an in-process Kafka, the adapter, a pool of consumers (FOR=60s ends it by itself)
	$(STATIC) $(GO) build -o bin/demo ./test/demo
	@exec bin/demo $(if $(FOR),--for=$(FOR))

.PHONY: e2e-up
e2e-up: e2e-build ## start a real Kafka, a real control plane and the adapter, and leave them running
	.cache/bin/stack up

.PHONY: e2e-down
e2e-down: ## end what e2e-up started
	@if [[ -x .cache/bin/stack ]]; then .cache/bin/stack down; else echo 'nothing was started here'; fi

##### Check

# The packages that link Kubernetes. Compiling it for the race detector takes 8 minutes on 2 cores, and so has a target of its own.
KUBERNETES := ./cmd/lag-adapter ./pkg/adapter ./pkg/kube ./pkg/app/metricsapi ./test/demo
OTHERS = $(filter-out $(KUBERNETES:./%=$(MODULE)/%),$(shell $(GO) list ./...))

.PHONY: test
test: ## unit and protocol tests of all that needs only Go, with the race detector where no Kubernetes is linked
	$(if $(RACE),,@echo 'no C compiler found: testing without the race detector' >&2)
	$(GO) test $(RACE) $(OTHERS)
	$(STATIC) $(GO) test $(KUBERNETES)
	@$(call in-each,$(filter-out .,$(UNIT_MODULES)),$(GO) test $(RACE) ./...)

.PHONY: test-race
test-race: ## the tests of what links Kubernetes, with the race detector
	$(GO) test -race $(KUBERNETES)

FUZZ ?= 1000x
.PHONY: fuzz
# By count: one that ends by time now and then fails at its end, before Go 1.27 (go.dev/issue/75804).
fuzz: ## try FUZZ=1000x new inputs on each fuzz target of the product; FuzzHostileBytes takes a second for four
	@grep -rl --include=*_test.go '^func Fuzz' pkg | xargs -n1 dirname | sort -u | while read -r dir; do \
		for target in $$($(STATIC) $(GO) test -list '^Fuzz' ./$$dir | grep '^Fuzz'); do \
			echo "$$dir: $$target"; $(STATIC) $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZ) ./$$dir; \
		done; \
	done

HAS_PROMETHEUS = $(and $(shell command -v prometheus),$(shell command -v promtool))

.PHONY: e2e
e2e: e2e-build ## end-to-end tests on a real Kafka and a real control plane (Go, Java 17, Maven, Node.js; buildah for the images, prometheus for its part)
	$(if $(HAS_PROMETHEUS),,@echo 'NOT TESTED: Prometheus, which needs its programs prometheus and promtool (on Debian, the package prometheus)' >&2)
	cd test/e2e && $(STATIC) $(GO) test -count=1 -p 1 -timeout 30m $(if $(HAS_PROMETHEUS),,-skip '^TestProm') ./...
	$(if $(shell command -v buildah),$(MAKE) test-image,@echo 'NOT TESTED: the images, for which `make test-image` needs buildah' >&2)

SIZE ?= full
.PHONY: faults
faults: e2e-build ## the fault catalogue on real parts, which rewrites docs/faults.md (ROW=7 one row, SIZE=small in minutes)
	cd test/e2e && FAULTS=$(SIZE) ROW=$(ROW) DOC=1 $(STATIC) $(GO) test -count=1 -v -timeout 3h -run TestFakes ./faults/fakes
	cd test/e2e && FAULTS=$(SIZE) ROW=$(ROW) DOC=1 $(STATIC) $(GO) test -count=1 -v -timeout 3h -run TestFaults ./faults
ifeq ($(ROW),)
	cd test/e2e && DOC=1 $(STATIC) $(GO) test -count=1 -v -run Rotation ./secure # of secrets of Kafka, at their own pace
endif

.PHONY: soak
soak: e2e-build ## one fault after the other for FOR=2h, and whether what the programs hold stays the same; rewrites its part of docs/faults.md
	$(STATIC) $(GO) -C test/e2e build -o $(CURDIR)/.cache/bin/soak ./cmd/soak
	@exec .cache/bin/soak $(if $(FOR),--for=$(FOR)) --doc

.PHONY: e2e-build
e2e-build: build
	test/e2e/build.sh
	cd test/e2e && $(STATIC) $(GO) build -o $(CURDIR)/.cache/bin/stack ./cmd/stack

.PHONY: test-image
test-image: ## build both images without a network and run them (buildah, busybox; as root)
	test/image/run.sh

##### Release

# The programs of the images and archives.
PROGRAMS := lag-adapter lag-exporter

INVENTORY := .cache/bin/inventory
$(INVENTORY): $(wildcard test/inventory/*)
	cd test/inventory && $(STATIC) $(GO) build -o $(CURDIR)/$@ .

.PHONY: sbom
sbom: $(INVENTORY) ## write build/PROGRAM.cdx.json: what each program is made of (CycloneDX)
	@mkdir -p build
	@for program in $(PROGRAMS); do $(INVENTORY) --version='$(or $(VERSION),devel)' --sbom=build/$$program.cdx.json ./cmd/$$program; done

.PHONY: licenses
licenses: $(INVENTORY) ## write build/PROGRAM.licenses.txt, and fail if Apache 2.0 does not go together with one of them
	@mkdir -p build
	@for program in $(PROGRAMS); do $(INVENTORY) --licenses=build/$$program.licenses.txt ./cmd/$$program; done

HELM ?= helm
.PHONY: charts
charts: ## write both charts as build/NAME-VERSION.tgz, for the images of that VERSION (Helm)
	@mkdir -p build
	$(HELM) package --version '$(VERSION:v%=%)' --app-version '$(VERSION:v%=%)' --destination build manifests/chart manifests/chart-exporter

# Its first build compiles 1800 packages; not part of `make verify`.
GORELEASER := .cache/bin/goreleaser
$(GORELEASER): test/tools/goreleaser/go.mod test/tools/goreleaser/go.sum
	cd test/tools/goreleaser && $(STATIC) $(GO) build -ldflags '-s -w' -o $(CURDIR)/$@ github.com/goreleaser/goreleaser/v2
	@touch $@

.PHONY: release-check
release-check: $(GORELEASER) ## have GoReleaser check .goreleaser.yaml
	$(GORELEASER) check

##### Check by tools

GOLANGCI_LINT := .cache/bin/golangci-lint
$(GOLANGCI_LINT): test/tools/lint/go.mod test/tools/lint/go.sum
	cd test/tools/lint && $(STATIC) $(GO) build -ldflags '-s -w' -o $(CURDIR)/$(@D)/ tool
	@touch $@

.PHONY: lint
lint: $(GOLANGCI_LINT) ## lint all modules by .golangci.yml
	@$(call in-each,$(MODULES),$(STATIC) $(CURDIR)/$(GOLANGCI_LINT) run --config $(CURDIR)/.golangci.yml ./...)

# What is generated has a //go:generate line; it is current if generating it again changes nothing.
WORKTREE_STATE := { git diff; git status --porcelain; } | sha256sum
.PHONY: verify
verify: licenses workflows vulnerabilities ## check that go.mod, go.sum, formatting, generated files, licences, workflows and dependencies are in order
	@$(call in-each,$(TIDY_MODULES),$(GO) mod tidy -diff)
	@$(call in-each,$(MODULES),$(GO) mod verify)
	@unformatted=$$(gofmt -l cmd manifests pkg test); [[ -z $$unformatted ]] || { echo "not formatted by gofmt:" $$unformatted >&2; exit 1; }
	@before=$$($(WORKTREE_STATE)); $(MAKE) generate; \
	[[ $$before == $$($(WORKTREE_STATE)) ]] || { echo 'generated files were not current; commit what `make generate` wrote' >&2; exit 1; }

CHECKS := .cache/bin/actionlint .cache/bin/govulncheck
$(CHECKS) &: test/tools/checks/go.mod test/tools/checks/go.sum
	cd test/tools/checks && $(STATIC) $(GO) build -ldflags '-s -w' -o $(CURDIR)/.cache/bin/ tool
	@touch $(CHECKS)

.PHONY: workflows
workflows: $(CHECKS)
	.cache/bin/actionlint .github/workflows/*.yml

# The database is asked for by the programs' modules, by their names. VULNERABILITIES=required: that it cannot be reached is a failure, too.
GOVULNDB ?= https://vuln.go.dev
.PHONY: vulnerabilities
vulnerabilities: $(CHECKS) ## look for known vulnerabilities in what the programs call (govulncheck, with GOVULNDB)
	@if [[ '$(VULNERABILITIES)' != required && '$(GOVULNDB)' == http* ]] && ! curl -fsS -m 20 -o /dev/null '$(GOVULNDB)/index/db.json'; then \
		echo 'NOT CHECKED: known vulnerabilities, as $(GOVULNDB) cannot be reached; GOVULNDB may name a mirror, or a folder as file:///…' >&2; \
	else CGO_ENABLED=0 .cache/bin/govulncheck -db '$(GOVULNDB)' ./cmd/...; fi

.PHONY: generate
generate: ## write generated files anew
	$(STATIC) $(GO) generate ./pkg/... ./manifests/... # in this order: the charts hold the schemas of the configuration

.PHONY: bench
bench: build ## benchmarks and sizes; compare within one run only
	$(GO) test -run '^$$' -bench . -benchmem ./pkg/... ./test/bench/...
	@$(STATIC) $(GO) run ./test/bench/footprint
	@$(STATIC) $(GO) run ./test/bench/collection
