#!/usr/bin/env bash
# Lints template.yaml, translates it into what AWS makes of it, and applies the
# tests of this folder to that. The translation is committed, so that the tests
# need no Python; it is replaced here when it is stale.
#
#   deploy/check.sh PYTHON [TEMPLATE]
#
# With another template than template.yaml, only that one is linted and checked.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$1
template=${2:-template.yaml}
made=$(mktemp)
trap 'rm -f "$made"' EXIT
failed=0

echo "== cfn-lint $template"
lint() { "$python" -c "import sys; from cfnlint.runner import main; sys.exit(main())" --non-zero-exit-code error -- "$@"; }
lint "$template" || failed=1

echo "== translation"
"$python" deploy/translate.py "$template" > "$made"
stale=0
if [ "$template" = template.yaml ] && ! cmp -s "$made" deploy/testdata/translated.json; then
  cp "$made" deploy/testdata/translated.json
  stale=1
fi

echo "== mapping templates"
jars=.venv-deploy/jars
velocity() { # fetches Apache Velocity
  for jar in org.apache.velocity:velocity-engine-core:2.3 org.apache.commons:commons-lang3:3.11 org.slf4j:slf4j-api:1.7.30; do
    name=${jar#*:}
    [ -f "$jars/${name/:/-}.jar" ] || mvn -q dependency:copy -Dartifact="$jar" -DoutputDirectory="$PWD/$jars" > /dev/null || return 1
  done
}
if command -v mvn > /dev/null && command -v javac > /dev/null && velocity; then
  rendered=$(mktemp)
  "$python" deploy/render.py "$jars" "$made" > "$rendered"
  if [ "$template" = template.yaml ] && ! cmp -s "$rendered" deploy/testdata/direct.json; then
    cp "$rendered" deploy/testdata/direct.json
    stale=1
  fi
  rm -f "$rendered"
else
  echo "not rendered: needs java, maven and its repository; a test still says whether deploy/testdata/direct.json is that of the template"
fi

if [ "$template" = template.yaml ]; then
  echo "== the same as an image, and the other manifests"
  image=$(mktemp --suffix .yaml)
  deploy/image-template.sh 111122223333.dkr.ecr.us-east-1.amazonaws.com/loanscorer@sha256:$(printf '0%.0s' {1..64}) > "$image"
  lint "$image" || failed=1
  "$python" deploy/translate.py "$image" > "$image.json"
  DEPLOY_TEMPLATE=$image.json go test ./deploy -count 1 -run '^TestTemplate$' || failed=1
  rm -f "$image" "$image.json"
  "$python" -c 'import sys, yaml
for name in sys.argv[1:]:
    for document in yaml.safe_load_all(open(name)):
        assert isinstance(document, dict), name' deploy/compose.yaml deploy/kubernetes/*.yaml .github/workflows/*.yml || failed=1
fi

echo "== rules"
DEPLOY_TEMPLATE=$made go test ./deploy -count 1 -run 'TestTemplate|TestTables|TestDirect' || failed=1

if [ "$stale" = 1 ]; then
  echo "deploy/testdata was stale and has been written anew: commit it"
  failed=1
fi
exit $failed
