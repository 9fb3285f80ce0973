#!/usr/bin/env bash
# Builds the two images of Dockerfile with whatever is here: docker, podman or
# buildah, and prints their digests and sizes.
#
#   deploy/image.sh VERSION [PLATFORM]
#
# BUILD_ARGS adds to the command, such as --pull-never or a proxy.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$1
platform=${2:-linux/$(go env GOARCH)}
read -ra more <<< "${BUILD_ARGS:-}"

if command -v buildah > /dev/null; then
  # The docker format would hold a random host name; OCI holds no health check.
  build=(buildah bud --format oci --timestamp 0 --layers=false)
  show() { buildah inspect --type image --format '{{.FromImageID}} {{.FromImageDigest}}' "$1"; }
elif command -v podman > /dev/null; then
  build=(podman build --format oci --timestamp 0 --layers=false)
  show() { podman image inspect --format '{{.Id}} {{.Digest}} {{.Size}} bytes' "$1"; }
elif command -v docker > /dev/null; then
  build=(env SOURCE_DATE_EPOCH=0 docker buildx build --load --provenance=false)
  show() { docker image inspect --format '{{.Id}} {{.Size}} bytes' "$1"; }
else
  echo "needs docker, podman or buildah" >&2
  exit 1
fi
for target in loanscorer lambda; do
  # Older buildahs do not set BUILDPLATFORM by themselves.
  "${build[@]}" "${more[@]}" --platform "$platform" --build-arg "BUILDPLATFORM=linux/$(go env GOHOSTARCH)" --build-arg "VERSION=$version" \
    --target "$target" -t "loanscorer-$target:$version" -f Dockerfile .
  echo "loanscorer-$target:$version $(show "loanscorer-$target:$version")"
done
