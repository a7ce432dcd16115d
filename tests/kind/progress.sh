# shellcheck shell=bash disable=SC2154 # here, cache and kindest are cluster's
# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What runs, for how long, and what it said when it failed. Sourced by cluster.

say() { printf '%s\n' "$*"; }
fail() { printf 'kind: %s\n' "$*" >&2; exit 1; }

# step WHAT COMMAND…: runs COMMAND with its output in a log
step() {
  local what=$1 start=$SECONDS log status ticker
  log=$cache/log/${what//[^A-Za-z0-9.]/-}.log
  shift
  say "  $what"
  while sleep 30 &>/dev/null && kill -0 $$; do say "    … $((SECONDS - start)) s: $what"; done 9>&- & # 9 is the lock
  ticker=$!
  set +e # not "if": it would switch off -e inside COMMAND
  (set -e; "$@") &>"$log"
  status=$?
  set -e
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  if ((status)); then
    tail -n 25 "$log" >&2
    fail "$what: failed after $((SECONDS - start)) s. All of its output: $log"
  fi
  say "    done in $((SECONDS - start)) s"
}
