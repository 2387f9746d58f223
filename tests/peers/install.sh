#!/bin/sh
# Install a program that a peer test needs, or say what is missing: `install.sh skopeo`, `install.sh oras FOLDER`.
set -eu

ORAS=oras.land/oras/cmd/oras@v1.3.6

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
  DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends "$1" >/dev/null
}

install_oras() {  # into the folder; Debian has no package of it
  command -v go >/dev/null ||
    missing "oras is not installed, and there is no Go here to build it with; install Go, or oras itself (https://oras.land)"
  echo "building $ORAS; half a minute where Go's caches are empty" >&2
  GOBIN=$1 go install -ldflags '-s -w' "$ORAS" ||
    missing "oras could not be built; see above, or install it yourself (https://oras.land)"
}

case $1 in
  oras) install_oras "$2" ;;
  *) install_package "$1" ;;
esac
