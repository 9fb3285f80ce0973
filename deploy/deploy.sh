#!/usr/bin/env bash
# Deploys template.yaml with the AWS SAM CLI.
#
#   deploy/deploy.sh zip|image ARCH [FLAGS OF sam deploy...]
#
# STACK is the stack's name (loanscorer). PARAMETERS are "Name=value" pairs that
# are set; all others keep what they have. The first time, SAM asks for
# everything and writes the answers to samconfig.toml.
# An image needs REPOSITORY, an ECR repository in the region of the stack, such
# as 111122223333.dkr.ecr.eu-west-1.amazonaws.com/loanscorer.
set -euo pipefail
cd "$(dirname "$0")/.."
how=$1 arch=$2
shift 2
for tool in aws sam; do
  command -v "$tool" > /dev/null || { echo "needs the $tool command: docs/deploy.md, 'What you need'" >&2; exit 1; }
done
case $arch in
  arm64) lambda=arm64 ;;
  amd64) lambda=x86_64 ;;
  *) echo "ARCH must be arm64 or amd64, not $arch" >&2; exit 2 ;;
esac
mkdir -p dist/bootstrap
template=template.yaml
if [ "$how" = zip ]; then
  cp "dist/bootstrap-$arch/bootstrap" dist/bootstrap/bootstrap
else
  : "${REPOSITORY:?must be an ECR repository, such as 111122223333.dkr.ecr.eu-west-1.amazonaws.com/loanscorer}"
  tool=$(command -v docker || command -v podman)
  version=$(git describe --tags --always --dirty)
  deploy/image.sh "$version" "linux/$arch"
  aws ecr get-login-password | "$tool" login --username AWS --password-stdin "${REPOSITORY%%/*}"
  "$tool" tag "loanscorer-lambda:$version" "$REPOSITORY:$version"
  "$tool" push "$REPOSITORY:$version"
  digest=$(aws ecr describe-images --repository-name "${REPOSITORY#*/}" --image-ids "imageTag=$version" \
    --query 'imageDetails[0].imageDigest' --output text)
  template=dist/template-image.yaml
  deploy/image-template.sh "$REPOSITORY@$digest" > "$template"
  set -- --image-repository "$REPOSITORY" "$@" # SAM asks for one though nothing is pushed
fi
guided=()
[ -f samconfig.toml ] || [ -n "${PARAMETERS:-}" ] || [ -n "${CI:-}" ] || guided=(--guided)
read -ra parameters <<< "Architecture=$lambda ${PARAMETERS:-}"
sam deploy --template-file "$template" --stack-name "${STACK:-loanscorer}" --capabilities CAPABILITY_IAM --resolve-s3 \
  --parameter-overrides "${parameters[@]}" "${guided[@]}" "$@"
aws cloudformation describe-stacks --stack-name "${STACK:-loanscorer}" --query 'Stacks[0].Outputs[].[OutputKey,OutputValue]' --output table
