# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""The style sheet of the report. PRIVATE to the collection: it can change at any time."""

from __future__ import annotations

# Both themes keep a contrast of at least 4.5 between text and its background.
STYLE = """
:root { color-scheme: light dark; --ground: #fbfbfc; --card: #fff; --ink: #1b1f24; --soft: #57606a; --edge: #d8dee4;
  --error: #b3261e; --warning: #8a5300; --info: #0b5cad; --well: #17693a; --bar: #2f6fd0; --track: #e6eaef; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171b; --card: #1c2026; --ink: #e6e9ed; --soft: #a3adb8; --edge: #343b44;
  --error: #ff8a80; --warning: #f2b33d; --info: #7db8ff; --well: #6fd394; --bar: #5f9bf0; --track: #2b313a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 80rem; padding: 1.5rem 1rem 4rem; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem; }
p { margin: .3rem 0; } .soft { color: var(--soft); } code { font: 13px ui-monospace, monospace; }
.verdict { display: inline-block; margin-left: .6rem; padding: 0 .6rem; border: 2px solid; border-radius: 1rem; font-size: 1rem; }
.error { color: var(--error); } .warning { color: var(--warning); } .info { color: var(--info); } .well { color: var(--well); }
.finding { background: var(--card); border: 1px solid var(--edge); border-left: 5px solid; border-radius: 6px; padding: .6rem .9rem; margin: .5rem 0; }
.finding > * { color: var(--ink); } .finding .soft { color: var(--soft); } .finding b.error { color: var(--error); }
.finding b.warning { color: var(--warning); } .finding b.info { color: var(--info); }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--edge); border-radius: 6px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .6rem; text-align: left; border-bottom: 1px solid var(--edge); white-space: nowrap; vertical-align: top; }
tr:last-child > * { border-bottom: 0; } thead th { color: var(--soft); font-weight: 600; font-size: 13px; white-space: normal;
  overflow-wrap: normal; vertical-align: bottom; }
tbody th { font-weight: 600; } th.name { position: sticky; left: 0; background: var(--card); white-space: normal;
  overflow-wrap: break-word; max-width: min(22rem, 45vw); }
.bar { display: block; width: 6rem; height: .45rem; margin-top: .2rem; border-radius: 3px; background: var(--track); overflow: hidden; }
.bar i { display: block; height: 100%; background: var(--bar); } .bar i.warning { background: var(--warning); } .bar i.error { background: var(--error); }
details { margin-top: .6rem; } summary { cursor: pointer; color: var(--info); } details[open] summary { margin-bottom: .5rem; }
svg { display: block; width: 100%; max-width: 46rem; height: auto; margin: 0 auto; }
svg text { paint-order: stroke; stroke: var(--ground); stroke-width: 4px; fill: var(--ink); font: 13px system-ui, sans-serif; text-anchor: middle; }
svg .small { fill: var(--soft); font-size: 11px; }
svg g > text:nth-of-type(1) { stroke: none; }
svg circle { fill: var(--card); stroke: var(--bar); stroke-width: 2; } svg circle.leader { stroke-width: 5; }
svg circle.away { stroke: var(--error); stroke-dasharray: 5 4; } svg line { stroke: var(--edge); stroke-width: 2; }
svg line.away { stroke: var(--error); stroke-dasharray: 3 5; }
@media print { body { max-width: none; } details > * { display: block; } }
"""
