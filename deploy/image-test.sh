#!/usr/bin/env bash
# Runs the image as strictly as it promises to bear: 256 MB, a root that cannot
# be written, no capabilities, no privileges, and drives it from end to end.
#
#   deploy/image-test.sh IMAGE
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
