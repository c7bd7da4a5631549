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
TIDY_MODULES := $(MODULES) test/tools/lint

# The race detector needs a C compiler, the programs do not.
RACE := $(if $(shell command -v $$($(GO) env CC)),-race)

# All but the race detector's builds are made in this one way, so that they share what is compiled: Kubernetes takes minutes.
STATIC := CGO_ENABLED=0 GOFLAGS='$(shell $(GO) env GOFLAGS) -trimpath'

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
		$(if $(BUILDER),--build-arg BUILDER=$(BUILDER)) $(if $(BASE),--build-arg BASE=$(BASE)) \
		$(if $(GOPROXY),--build-arg GOPROXY=$(GOPROXY)) .

.PHONY: clean
clean: ## remove bin and .cache
	@[[ ! -e .cache/run/stack.json ]] || { echo 'the stack of `make e2e-up` may be running: run `make e2e-down` first' >&2; exit 1; }
	rm -rf bin .cache

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

HAS_PROMETHEUS = $(and $(shell command -v prometheus),$(shell command -v promtool))

.PHONY: e2e
e2e: e2e-build ## end-to-end tests on a real Kafka and a real control plane (Go, Java 17, Maven, Node.js; buildah for the images, prometheus for its part)
	$(if $(HAS_PROMETHEUS),,@echo 'NOT TESTED: Prometheus, which needs its programs prometheus and promtool (on Debian, the package prometheus)' >&2)
	cd test/e2e && $(STATIC) $(GO) test -count=1 -p 1 -timeout 30m $(if $(HAS_PROMETHEUS),,-skip '^TestProm') ./...
	$(if $(shell command -v buildah),$(MAKE) test-image,@echo 'NOT TESTED: the images, for which `make test-image` needs buildah' >&2)

SIZE ?= full
.PHONY: faults
faults: e2e-build ## the fault catalogue on real parts, which rewrites docs/faults.md (ROW=7 one row, SIZE=small in minutes)
	cd test/e2e && FAULTS=$(SIZE) ROW=$(ROW) DOC=1 $(STATIC) $(GO) test -count=1 -v -timeout 3h -run TestFaults ./faults

.PHONY: e2e-build
e2e-build: build
	test/e2e/build.sh
	cd test/e2e && $(STATIC) $(GO) build -o $(CURDIR)/.cache/bin/stack ./cmd/stack

.PHONY: test-image
test-image: ## build both images without a network and run them (buildah, busybox; as root)
	test/image/run.sh

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
verify: ## check that go.mod, go.sum, formatting and generated files are current
	@$(call in-each,$(TIDY_MODULES),$(GO) mod tidy -diff)
	@$(call in-each,$(MODULES),$(GO) mod verify)
	@unformatted=$$(gofmt -l cmd pkg test); [[ -z $$unformatted ]] || { echo "not formatted by gofmt:" $$unformatted >&2; exit 1; }
	@before=$$($(WORKTREE_STATE)); $(MAKE) generate; \
	[[ $$before == $$($(WORKTREE_STATE)) ]] || { echo 'generated files were not current; commit what `make generate` wrote' >&2; exit 1; }

.PHONY: generate
generate: ## write generated files anew
	$(GO) generate ./...

.PHONY: bench
bench: build ## benchmarks and sizes; compare within one run only
	$(GO) test -run '^$$' -bench . -benchmem ./pkg/... ./test/bench/...
	@$(STATIC) $(GO) run ./test/bench/footprint
	@$(STATIC) $(GO) run ./test/bench/collection
