#!/bin/sh
# The main job, narrated: plan, apply, an empty plan, a change behind our back, the drift that shows it, the heal.
# Needs `reconciler` and `python3` on the PATH. Leaves nothing running and no file behind.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
emulator=
stop() {
  [ -z "$emulator" ] || kill "$emulator" 2>/dev/null || true
  [ -z "$emulator" ] || wait "$emulator" 2>/dev/null || true
  rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); else bold='' plain=''; fi
say() { printf '\n%s# %s%s\n' "$bold" "$1" "$plain"; }
run() { printf '%s$ %s%s\n' "$bold" "$*" "$plain"; "$@"; }

say "A registry that speaks ACR's protocol, with a few images in it."
reconciler emulator --latency-ms 30 --data "$work/registry.db" --seed "$here/images.json" >"$work/ready" &
emulator=$!
tries=0
until grep -q '^READY ' "$work/ready"; do
  tries=$((tries + 1))
  if [ "$tries" -gt 200 ] || ! kill -0 "$emulator" 2>/dev/null; then echo 'the emulator did not start' >&2; exit 1; fi
  sleep 0.1
done
url=$(sed -n 's/^READY //p' "$work/ready")
RECONCILER_REGISTRY=$url
RECONCILER_STATE=$work/state.json
export RECONCILER_REGISTRY RECONCILER_STATE
python3 - "$url" <<'PYTHON'
import json, sys, urllib.request

def get(path):
    with urllib.request.urlopen(sys.argv[1] + path) as answer:
        return json.load(answer)

for name in get("/acr/v1/_catalog")["repositories"]:
    tags = get(f"/acr/v1/{name}/_tags")["tags"]
    print(f"  {name:12} " + "  ".join(tag["name"] for tag in tags))
PYTHON

cd "$here/../.."
say "What its owners want, in a file under Git."
run cat specs/demo/registry.yaml

say "The difference between the two."
run reconciler plan specs/demo/registry.yaml

say "Make it so. (Without --auto-approve, apply asks first.)"
run reconciler apply specs/demo/registry.yaml --auto-approve

say "Planning what was applied shows nothing."
run reconciler plan specs/demo/registry.yaml

say "Now somebody unlocks a release, behind our back: PATCH .../shop/api/_tags/v1.1.0"
python3 - "$url" <<'PYTHON'
import sys, urllib.request

request = urllib.request.Request(
    sys.argv[1] + "/acr/v1/shop/api/_tags/v1.1.0",
    data=b'{"writeEnabled": true}',
    method="PATCH",
    headers={"content-type": "application/json"},
)
urllib.request.urlopen(request).close()
PYTHON

say "What was applied is remembered, so that is told from a change of the files; exit code 2 says so."
code=0
run reconciler drift specs/demo/registry.yaml || code=$?
echo "exit code $code"
[ "$code" -eq 2 ] || exit 1

say "Healed, and only that."
run reconciler drift specs/demo/registry.yaml --heal

say "Who did what, and when."
run reconciler state log

say "Which rule says what about that tag?"
run reconciler explain shop/api:v1.1.0 specs/demo/registry.yaml

say "That was all. The registry is stopped, and nothing is left behind."
