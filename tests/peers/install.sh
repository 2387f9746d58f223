#!/bin/sh
# Install a program that a peer test needs, or say what is missing:
# `install.sh skopeo`, `install.sh oras FOLDER`, `install.sh azurite FOLDER`,
# `install.sh prometheus`, or `prometheus-alertmanager`, or `prometheus-pushgateway`.
set -eu

ORAS=oras.land/oras/cmd/oras@v1.3.6
AZURITE=azurite@3.35.0  # the last that runs on Node.js 20

missing() {
  echo "$1" >&2
  exit 1
}

install_package() {  # a Debian package
  command -v apt-get >/dev/null ||
    missing "$1 is not installed, and there is no apt-get here to install it with; install $1 and try again"
  as_root=
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || missing "$1 is not installed; install it as root: apt-get install $1"
    as_root=sudo
  fi
  $as_root apt-get update -qq
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >/dev/null ||
    missing "$1 could not be installed; see above"
}

install_service() {  # a package that would start a service; only the program is wanted
  policy=/usr/sbin/policy-rc.d  # asked before a service is started; 101 forbids it (Debian, invoke-rc.d(8))
  if [ ! -e "$policy" ] && command -v apt-get >/dev/null; then
    as_root=
    [ "$(id -u)" -eq 0 ] || as_root=sudo
    trap '$as_root rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    $as_root chmod +x "$policy"
  fi
  install_package "$1"
}

install_oras() {  # into the folder; Debian has no package of it
  command -v go >/dev/null ||
    missing "oras is not installed, and there is no Go here to build it with; install Go, or oras itself (https://oras.land)"
  echo "building $ORAS; half a minute where Go's caches are empty" >&2
  GOBIN=$1 go install -ldflags '-s -w' "$ORAS" ||
    missing "oras could not be built; see above, or install it yourself (https://oras.land)"
}

install_azurite() {  # beside the folder, with a link in it
  command -v npm >/dev/null ||
    missing "azurite is not installed, and there is no npm here to install it with; install Node.js 20 or newer"
  npm install --prefix "$1/../azurite" --no-audit --no-fund --silent "$AZURITE" ||
    missing "azurite could not be installed; see above"
  ln -sf ../azurite/node_modules/.bin/azurite-blob "$1/azurite-blob"
}

case $1 in
  azurite) install_azurite "$2" ;;
  oras) install_oras "$2" ;;
  prometheus*) install_service "$1" ;;
  *) install_package "$1" ;;
esac
