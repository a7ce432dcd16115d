# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every server restarted under load: messaging.nats.restart, and `kubectl rollout restart` of the official chart.

Run by `make bench-roll`; see docs/benchmarks.md. NATS_CHART is the chart's directory, BENCH_ROUNDS the number of rounds.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from tools.checks import ROOT

from .under_load import KUBECONFIG, NAMESPACE, built, kind, kubectl, load, login, play

ROUNDS = int(os.environ.get("BENCH_ROUNDS") or 3)
CHART = os.environ.get("NATS_CHART", "")
THEIRS = "drills-helm"
SETTLED = 5  # seconds of load before a roll, and after it


def verb(name: str) -> None:
    code, output = play(name)
    if code:
        raise RuntimeError(output[-4000:])


def install_chart(helm: str) -> None:
    subprocess.run(
        [helm, "install", "nats", CHART, f"--namespace={THEIRS}", "--create-namespace", "--wait", "--timeout=5m"]
        + [f"--values={ROOT / 'bench' / name}" for name in ("helm.yml", "helm-roll.yml")],
        check=True,
        env=os.environ | {"KUBECONFIG": str(KUBECONFIG)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


def roll_chart() -> None:
    kubectl("rollout", "restart", "statefulset/nats", f"--namespace={THEIRS}")
    kubectl("rollout", "status", "statefulset/nats", f"--namespace={THEIRS}", "--timeout=10m")


def measured(program: str, user: dict[str, str], roll: Callable[[], None]) -> tuple[float, dict[str, Any]]:
    """Seconds of the roll, and what those who publish had of it."""
    with tempfile.TemporaryDirectory() as folder, load(program, Path(folder), user, "-create=1") as figures:
        time.sleep(SETTLED)
        start = time.monotonic()
        roll()
        took = time.monotonic() - start
        time.sleep(SETTLED)
    return took, figures


def line(title: str, took: float, figures: dict[str, Any]) -> None:
    everyone = figures["all"]
    values = [figures["acked"], figures["lost"], figures["doubled"], everyone["retried"], everyone["timeouts"]]
    cells = "".join(f"{value:10}" for value in [*values, everyone["timeouts_in_a_row"]])
    print(f"{title:<10}{took:10.1f}{cells}{everyone['longest_stall']:10.2f}", flush=True)


def ours(program: str) -> float:
    verb("deploy")
    took, figures = measured(program, login(), lambda: verb("restart"))
    kubectl("delete", "namespace", NAMESPACE)
    line("ours", took, figures)
    return took


def theirs(program: str, helm: str) -> float:
    install_chart(helm)
    took, figures = measured(program, {}, roll_chart)
    kubectl("delete", "namespace", THEIRS)
    line("chart", took, figures)
    return took


def main() -> None:
    program, helm = built("bench/load/build"), built("bench/helm") if CHART else ""
    with kind():
        titles = ("seconds", "acked", "lost", "doubled", "retried", "time-outs", "in a row", "stall")
        print(f"{'':<10}" + "".join(f"{title:>10}" for title in titles))
        rolls, ratios = [], []
        for _round in range(ROUNDS):
            rolls.append(ours(program))
            if CHART:
                ratios.append(rolls[-1] / theirs(program, helm))
                print(f"{'ratio':<10}{ratios[-1]:10.2f}", flush=True)
    print(f"median of ours {median(rolls):.1f} s" + (f", of the ratio {median(ratios):.2f}" if CHART else ""))
    if not CHART:
        print("NATS_CHART is not set: it is the directory helm/charts/nats of a checkout of nats-io/k8s.")


if __name__ == "__main__":
    main()
