#!/usr/bin/env bash
# Install reconciler from the checkout that this file is part of, into a folder of its own: `install.sh FOLDER`.
# Of other packages only what stands in requirements.txt is installed, and only if its hash is the one there.
set -euo pipefail
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=$1

[ ! -x "$folder/bin/reconciler" ] || exit 0  # an earlier step of the same job did it
python3 -m venv "$folder"
pip=("$folder/bin/python" -m pip --quiet --disable-pip-version-check install)
"${pip[@]}" --require-hashes --only-binary :all: --requirement "$project/specs/pipelines/requirements.txt"
"${pip[@]}" --no-deps --no-build-isolation "$project"
