#!/bin/sh
# Install the programs that the peer tests need and that are not there, into the folder of executables
# that is named where Debian has no package of them; or say what is missing.
set -eu
FOLDER=$1

ORAS=oras.land/oras/cmd/oras@v1.3.6
AZURITE=azurite@3.35.0  # the last that runs on Node.js 20

missing() {
  echo "$1" >&2
  exit 1
}

install_packages() {  # of Debian; a service that one would start stays down, as only the program is wanted
  [ $# -gt 0 ] || return 0
  command -v apt-get >/dev/null ||
    missing "$* not installed, and there is no apt-get here to install it with; install it and try again"
  as_root=
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || missing "$* not installed; install it as root: apt-get install $*"
    as_root=sudo
  fi
  policy=/usr/sbin/policy-rc.d  # asked before a service is started; 101 forbids it (Debian, invoke-rc.d(8))
  if [ ! -e "$policy" ]; then
    trap '$as_root rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    $as_root chmod +x "$policy"
  fi
  $as_root apt-get update -qq
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
    missing "$* could not be installed; see above"
}

install_oras() {
  command -v go >/dev/null ||
    missing "oras is not installed, and there is no Go here to build it with; install Go, or oras itself (https://oras.land)"
  echo "building $ORAS; half a minute where Go's caches are empty" >&2
  GOBIN=$FOLDER go install -ldflags '-s -w' "$ORAS" ||
    missing "oras could not be built; see above, or install it yourself (https://oras.land)"
}

install_azurite() {  # beside the folder, with a link in it
  command -v npm >/dev/null ||
    missing "azurite is not installed, and there is no npm here to install it with; install Node.js 20 or newer"
  npm install --prefix "$FOLDER/../azurite" --no-audit --no-fund --silent "$AZURITE" ||
    missing "azurite could not be installed; see above"
  ln -sf ../azurite/node_modules/.bin/azurite-blob "$FOLDER/azurite-blob"
}

install_of_python() {
  "$FOLDER/python" -m pip --disable-pip-version-check --quiet install "$@" ||
    missing "$* could not be installed; see above"
}

is_there() {
  test -x "$FOLDER/$1" || command -v "$1" >/dev/null
}

packages=
for program in skopeo prometheus promtool prometheus-alertmanager prometheus-pushgateway; do
  is_there "$program" || packages="$packages $program"
done
install_packages $(echo "$packages" | sed 's/ promtool/ prometheus/')
is_there oras || install_oras
is_there azurite-blob || install_azurite
is_there pre-commit || install_of_python 'pre-commit >=4.1, <5'
is_there zizmor && is_there kubernetes-validate || install_of_python 'zizmor >=1.30, <2' 'kubernetes-validate >=1.31, <2'
