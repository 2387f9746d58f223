#!/bin/sh
# Install a Debian package that a peer test needs, or say what is missing.
set -eu
package=$1
if ! command -v apt-get >/dev/null; then
  echo "$package is not installed, and there is no apt-get here to install it with; install $package and try again" >&2
  exit 1
fi
as_root=
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "$package is not installed; install it as root: apt-get install $package" >&2
    exit 1
  fi
  as_root=sudo
fi
$as_root apt-get update -qq
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends "$package" >/dev/null
