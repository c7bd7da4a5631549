#!/usr/bin/env bash
# Makes a CA and lag-adapter's serving certificate, beside this file: ca.crt, ca.key, tls.crt, tls.key.
# Run again, it renews the serving certificate and keeps the CA, so that kube-apiserver trusts the old one and the new one.
# ca.key does not go to the cluster; keep it safe.
set -euo pipefail
umask 077
cd "$(dirname "${BASH_SOURCE[0]}")"
days=${DAYS:-365}
service=lag-adapter.kafka-lag-adapter.svc # kube-apiserver asks for this name

if [[ ! -e ca.key ]]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 3650 -subj '/CN=kafka-lag-adapter CA' \
    -addext 'keyUsage=critical,keyCertSign,cRLSign' -keyout ca.key -out ca.crt
fi

request=$(mktemp)
trap 'rm -f "$request"' EXIT
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -subj "/CN=$service" -keyout tls.key -out "$request"
openssl x509 -req -in "$request" -CA ca.crt -CAkey ca.key -days "$days" -out tls.crt -extfile <(
  echo "subjectAltName=DNS:$service"
  echo 'keyUsage=critical,digitalSignature'
  echo 'extendedKeyUsage=serverAuth'
)
