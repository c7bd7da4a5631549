#!/usr/bin/env bash
# Builds the images of both programs by `make image`, with no registry and no network, and tries them.
#
# The builder image is busybox and the machine's own Go with its caches, which are mounted and not copied; the base image has
# a user and nothing else. Everything is made in a temporary folder and removed. Needs buildah and a static busybox (Debian:
# buildah, busybox-static), and root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

for tool in buildah busybox; do
  command -v "$tool" >/dev/null || { echo "$tool is missing; on Debian: apt-get install buildah busybox-static" >&2; exit 1; }
done
mkdir -p .cache
work=$(mktemp -d "$PWD/.cache/image.XXXXXX")
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT

# Without a daemon, namespaces or overlay mounts: it has to work in a container too.
export BUILDAH_ISOLATION=chroot
storage=(--root "$work/root" --runroot "$work/run" --storage-driver vfs)
buildah() { command buildah "${storage[@]}" "$@"; }
fail() { echo "FAIL: $*" >&2; exit 1; }

goroot=$(go env GOROOT) modules=$(go env GOMODCACHE) objects=$(go env GOCACHE)
mkdir -p "$objects"
go mod download # what the build in the container finds in the cache

echo "== a builder and a base"
mkdir -p "$work/builder/"{bin,tmp,etc} "$work/base/etc"
cp "$(command -v busybox)" "$work/builder/bin/busybox"
ln -s busybox "$work/builder/bin/sh"
echo 'nonroot:x:65532:65532:nonroot:/:/none' >"$work/base/etc/passwd"
image() { # image NAME CONFIG...: what is in the folder of that name
  local name=$1 container
  shift
  container=$(buildah from scratch)
  buildah copy --quiet "$container" "$work/$name" / >/dev/null
  buildah config "$@" "$container"
  buildah commit --quiet --rm "$container" "$name" >/dev/null
}
image builder --env PATH=/usr/local/go/bin:/bin --env HOME=/tmp --env GOTOOLCHAIN=local \
  --env GOMODCACHE=/modules --env GOCACHE=/objects
image base --user 65532:65532

echo "== make image"
make image VERSION=0.0.0-test REVISION=test IMAGE_PREFIX=localhost BUILDER=localhost/builder BASE=localhost/base GOPROXY=off \
  IMAGE_BUILD="buildah ${storage[*]} build --quiet --platform linux/$(go env GOARCH) \
    --volume $goroot:/usr/local/go:ro --volume $modules:/modules:ro --volume $objects:/objects"

# try NAME MAX: starts the image's program and looks at what is in the image; MAX is the program's allowed size in MB.
try() {
  local name=$1 max=$2 container root size
  container=$(buildah from --pull-never "localhost/$name:0.0.0-test")
  [[ $(buildah inspect --format '{{.OCIv1.Config.User}}' "$container") == 65532:65532 ]] || fail "$name does not run as nonroot"
  [[ $(buildah inspect --format '{{.OCIv1.Config.Entrypoint}}' "$container") == "[/$name]" ]] || fail "$name is not the entrypoint"
  [[ $(buildah inspect --format '{{index .OCIv1.Config.Labels "org.opencontainers.image.version"}}' "$container") == 0.0.0-test ]] || fail "$name has no label of its version"

  buildah run "$container" "/$name" --version >/dev/null || fail "$name does not start"
  if buildah run "$container" /bin/sh -c true 2>/dev/null; then fail "$name has a shell"; fi

  root=$(buildah mount "$container")
  # Not by `buildah run`, which at times loses the output of a program as short-lived as this.
  chroot --userspec=65532:65532 "$root" "/$name" --version | tee "$work/version"
  grep -q 0.0.0-test "$work/version" || fail "$name --version does not tell the version"
  size=$(stat -c %s "$root/$name")
  ((size <= max * 1000 * 1000)) || fail "$name has $size bytes, more than $max MB"
  # What buildah itself puts there to run something: /dev, /proc, /sys, /run, and the host's names in /etc.
  find "$root" -xdev -type f ! -regex "$root/\(dev\|proc\|sys\|run\|etc\)/.*" ! -path "$root/$name" >"$work/files"
  [[ ! -s $work/files ]] || fail "$name has more in it than the program: $(head -5 "$work/files")"
  buildah rm "$container" >/dev/null
  echo "ok: $name, $size bytes"
}
echo "== run them"
try lag-adapter 65
try lag-exporter 20
