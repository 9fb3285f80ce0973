#!/usr/bin/env bash
# Runs the image as strictly as it promises to bear: 256 MB, a root that cannot
# be written, no capabilities, no privileges, and drives it from end to end.
#
#   deploy/image-test.sh IMAGE           the image of everything
#   deploy/image-test.sh IMAGE lambda    the image of the Lambda function
#
# CONTAINER is how containers are run, `docker run` or `podman run` by default.
set -euo pipefail
cd "$(dirname "$0")/.."
image=$1
if [ -z "${CONTAINER:-}" ]; then
  command -v docker > /dev/null && CONTAINER="docker run" || CONTAINER="podman run"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A function is driven through the Runtime API that the tests serve.
cat > "$work/bootstrap" <<END
#!/usr/bin/env bash
set -e
settings=()
while IFS='=' read -r name _; do
  case \$name in AWS_* | LOANSCORER_* | _HANDLER | _X_AMZN_TRACE_ID) settings+=(-e "\$name") ;; esac
done < <(env)
exec $CONTAINER --rm --network host --memory 256m --read-only --cap-drop ALL --security-opt no-new-privileges \\
  "\${settings[@]}" "$image"
END
chmod +x "$work/bootstrap"

if [ "${2:-}" = lambda ]; then
  echo "== the function, from end to end"
  LOANSCORER_TEST_PROGRAM="$work/bootstrap" go test ./cmd/bootstrap -count 1 -run 'TestApplicationEndToEnd|TestFileEndToEnd'
  exit
fi

# The tests start this instead of the binary. What they put into directories of
# their own is mounted where it is.
cat > "$work/loanscorer" <<END
#!/usr/bin/env bash
set -e
mounts=()
previous=
for argument in "\$@"; do
  if [ "\$previous" = --data ]; then
    mkdir -p "\$argument" && chmod 0777 "\$argument"
    mounts=(-v "\$argument:\$argument")
  fi
  previous=\$argument
done
exec $CONTAINER --rm --network host --memory 256m --read-only --cap-drop ALL --security-opt no-new-privileges \\
  "\${mounts[@]}" "$image" "\$@"
END
chmod +x "$work/loanscorer"

echo "== what it says"
"$work/loanscorer" version

echo "== the demo"
"$work/loanscorer" demo --data "$work/demo" > "$work/demo.txt" || { cat "$work/demo.txt"; exit 1; }
grep -q 'rows in = decided + rejected: ok' "$work/demo.txt"

echo "== the end-to-end test"
LOANSCORER_TEST_PROGRAM="$work/loanscorer" go test ./cmd/loanscorer -count 1 -run '^TestService$'

echo "== no shell, no root"
if $CONTAINER --rm --entrypoint /bin/sh "$image" -c true 2> /dev/null; then
  echo "there is a shell in $image"
  exit 1
fi
echo ok
