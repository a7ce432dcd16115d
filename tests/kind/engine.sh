# shellcheck shell=bash disable=SC2154 # here, cache and kindest are cluster's
# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The docker engine, and the network that is ours alone. Sourced by cluster.

network=messaging-nats
bridge=br-msg-nats # a name of at most 15 characters, known before the network is there
export KIND_EXPERIMENTAL_DOCKER_NETWORK=$network KIND_EXPERIMENTAL_PROVIDER=docker
export DOCKER_BUILDKIT=0 # the builder that every engine has

may_change_the_system() { ((EUID == 0)); }

# installed PACKAGE…: whatever of it Debian has to bring
installed() {
  dpkg -s "$@" &>/dev/null && return
  command -v apt-get >/dev/null || fail "this needs the Debian packages $* and there is no apt-get. Install what they hold."
  may_change_the_system || fail "this needs the Debian packages $* and only root can install them: apt-get install $*"
  step "Installing $* from Debian" apt_install "$@"
}

apt_install() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq "$@"
}

refuse_engine() { fail "docker cannot be used by this user (${1##*$'\n'}). Start it, or join its group: usermod -aG docker $USER"; }

engine() {
  local answer
  answer=$(docker version --format '{{.Server.Version}}' 2>&1) && return
  may_change_the_system || refuse_engine "$answer"
  lock
  command -v dockerd >/dev/null || installed docker.io
  docker version &>/dev/null || step "Starting dockerd" start_dockerd
}

# Whether an engine may hold nodes of the cluster, be it stopped. Only root can read what a stopped one holds
engine_may_hold_nodes() {
  docker version &>/dev/null && return
  command -v dockerd >/dev/null || return
  if may_change_the_system; then
    grep -qs "\"io.x-k8s.kind.cluster\":\"$name\"" /var/lib/docker/containers/*/config.v2.json
  else
    [ -e "$kubeconfig" ]
  fi
}

# Ends with what to do when the engine cannot start what every node is
check_privileged() {
  has_sys_resource && return
  command -v jq >/dev/null || installed jq # for our runtime
  [ "$(docker info --format '{{.DefaultRuntime}}')" = without-sys-resource ] && return
  tar -cT /dev/null | docker import - messaging-nats/nothing >/dev/null # when it has the capabilities, it lacks the command
  [[ $(docker run --rm --privileged messaging-nats/nothing command 2>&1) != *"apply caps"* ]] ||
    fail "this dockerd starts no privileged container, because CAP_SYS_RESOURCE is missing here. Stop it: tests/kind/cluster starts one that can."
}

start_dockerd() {
  local runtime=()
  if [ -d /run/systemd/system ] && has_sys_resource; then
    systemctl start docker
  else
    if ! has_sys_resource; then
      install -m 755 "$here/runc-without-sys-resource" "$cache/"
      runtime=(--add-runtime "without-sys-resource=$cache/runc-without-sys-resource" --default-runtime without-sys-resource)
    fi
    setsid nohup dockerd "${runtime[@]}" &>"$cache/log/dockerd.log" </dev/null 9>&- & # 9 is the lock
  fi
  timeout 60 sh -c 'until docker version; do sleep 0.2; done' || { cat "$cache/log/dockerd.log"; return 1; }
}

has_sys_resource() { (((0x$(sed -n 's/^CapBnd:\s*//p' /proc/self/status) >> 24) & 1)); } # CAP_SYS_RESOURCE

make_network() {
  local labels
  if labels=$(docker network inspect --format '{{.Labels}}' "$network" 2>/dev/null); then
    [[ $labels == *messaging.nats* ]] || fail "there is a docker network $network that is not ours. Remove it: docker network rm $network"
  else
    docker network create --driver bridge --label messaging.nats --opt com.docker.network.bridge.name=$bridge "$network" >/dev/null
  fi
}

# While kube-proxy is not ready, calls to a service's address would leave the machine
no_way_out() { iptables -C "${way_out[@]}" 2>/dev/null || iptables -I "${way_out[@]}"; }
way_out=(DOCKER-USER -i "$bridge" ! -o "$bridge" -m conntrack --ctstate NEW -j REJECT)

# Once no cluster is left on it
remove_network() {
  [ -z "$(docker ps --all --quiet --filter "network=$network")" ] || return 0
  docker network prune --force --filter label=messaging.nats >/dev/null
  if may_change_the_system; then iptables -D "${way_out[@]}" 2>/dev/null || true; fi
}
