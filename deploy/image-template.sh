#!/usr/bin/env bash
# Prints template.yaml with the functions as a container image in ECR.
#
#   deploy/image-template.sh IMAGE
set -euo pipefail
cd "$(dirname "$0")/.."
sed -e "s|^      CodeUri: dist/bootstrap/\$|      PackageType: Image\n      ImageUri: $1|" \
  -e '/^      Handler: bootstrap$/d' -e '/^      Runtime: provided.al2023$/d' template.yaml
