#!/usr/bin/env bash
# Builds what the end-to-end tests run besides the product, into .cache/:
#   .cache/bin         etcd, the Kubernetes control plane, kubectl, kwok, Helm
#   .cache/kwok.yaml   the life of kwok's nodes and pods
#   .cache/kafka/libs  Apache Kafka's jars, and in .cache/kafka-2.8/libs and -3.3/libs those of older ones
#   .cache/kafkajs     KafkaJS, a client in JavaScript
#   .cache/crds        kinds of cert-manager and of the Prometheus Operator
# Needs Go, Java 17, Maven, Node.js with npm. Cold: 10 minutes on 2 cores; when nothing changed: seconds.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=$here/../../.cache
mkdir -p "$cache/bin" "$cache/kafka"
cache=$(cd "$cache" && pwd)

# kafka WHERE POM: the jars that POM names into WHERE/libs, once for each POM.
kafka() {
  local where=$1 pom=$2
  if cmp -s "$pom" "$where/pom.xml"; then return; fi
  echo "fetching the jars of $pom" >&2
  rm -rf "$where/libs" "$where/pom.xml"
  mkdir -p "$where"
  mvn -q -B -f "$pom" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$where/libs"
  cp "$pom" "$where/pom.xml" # last: it says that libs is complete
}

# Once for each lock file.
kafkajs() {
  local where=$cache/kafkajs lock=$here/members/kafkajs/package-lock.json
  if cmp -s "$lock" "$where/installed.json"; then return; fi
  mkdir -p "$where"
  cp "${lock%/*}"/package*.json "$where/"
  (cd "$where" && npm ci --no-audit --no-fund --loglevel=error)
  cp "$lock" "$where/installed.json" # last: it says that node_modules is complete
}

controlplane() {
  cd "$here/../tools/controlplane"
  local kubernetes kwok
  kubernetes=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
  # Without cgo the binaries run anywhere; gitVersion is what the API server says it is.
  CGO_ENABLED=0 go build -trimpath \
    -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$kubernetes" \
    -o "$cache/bin/" tool
  ln -sf server "$cache/bin/etcd" # named after the last part of its package's path

  kwok=$(go list -m -f '{{.Dir}}' sigs.k8s.io/kwok)/kustomize/stage
  for stage in "$kwok"/pod/fast/pod-*.yaml "$kwok"/node/fast/node-*.yaml "$kwok"/node/heartbeat-with-lease/node-*.yaml; do
    echo '---'
    cat "$stage"
  done >"$cache/kwok.yaml"
}

# After the control plane, of which it shares most: a minute, and else three.
helm() {
  cd "$here/../tools/helm"
  CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$cache/bin/" tool
}

# The CustomResourceDefinitions of the kinds that the charts make use of; of their modules nothing else is needed.
crds() {
  cd "$here/../tools/crds"
  go mod download github.com/cert-manager/cert-manager github.com/prometheus-operator/prometheus-operator
  local certmanager operator
  certmanager=$(go list -m -f '{{.Dir}}' github.com/cert-manager/cert-manager)/deploy/crds
  operator=$(go list -m -f '{{.Dir}}' github.com/prometheus-operator/prometheus-operator)/example/prometheus-operator-crd
  rm -rf "$cache/crds"
  mkdir "$cache/crds"
  install -m 0644 "$certmanager"/cert-manager.io_{certificates,issuers}.yaml \
    "$operator"/monitoring.coreos.com_{podmonitors,prometheusrules,servicemonitors}.yaml "$cache/crds"
}

kafka "$cache/kafka" "$here/kafka/pom.xml"
for old in 2.8 3.3; do
  kafka "$cache/kafka-$old" "$here/kafka/old/$old/pom.xml"
done
kafkajs
(controlplane)
(helm)
(crds)
