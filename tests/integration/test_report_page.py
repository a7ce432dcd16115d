# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report in a real browser, in light and dark, small and large. What it looks like is left in .cache/test/report."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest
from PIL import ImageChops

from ansible_collections.messaging.nats.plugins.module_utils._health.findings import error, info, warning
from ansible_collections.messaging.nats.plugins.module_utils._reporting.html_report import report
from tests.support.browser import browser as started
from tests.support.pages import cluster, troubled

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
PICTURES = Path(__file__).resolve().parents[2] / ".cache" / "test" / "report"
FINDINGS = [
    error("SERVER_DOWN", "pod nats-2", "no answer to the system account, 8 of 9 servers answer", "Look at its log."),
    error(
        "POD_PENDING",
        "pod nats-2",
        'it is Pending: ProvisioningFailed: storageclass.storage.k8s.io "fast" not found',
        "Check storage class, nodes and quotas.",
    ),
    warning("CPU_HIGH", "server nats-0", "it uses 93 % of 2 cores", "Give it more CPU or spread the load."),
    info("SINGLE_REPLICA", "account APP", f"40 streams have one replica: {', '.join('ABCDEFGHIJ')}", "Mind them."),
]
CASES = {
    "3-servers-3-streams": (cluster(3, 3), []),
    "9-servers-500-streams": (cluster(9, 500), []),
    "9-servers-500-streams-unhealthy": (troubled(9, 500), FINDINGS),
    "long-names-unhealthy": (
        troubled(9, 30, name="ORDERS_OF_THE_EUROPEAN_SHOP_" * 7 + "{}", server="nats-production-eu-{}"),
        FINDINGS,
    ),
}
WIDE, PHONE = 1280, 390
# Text that can't be told from what lies under it: the contrast of WCAG is at least 4.5 for text of this size.
FAINT = """
const light = (color) => color.map((part) => part / 255)
  .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
  .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
const parts = (text) => text.match(/[\\d.]+/g).map(Number);
const ground = (node) => {
  for (; node; node = node.parentElement) {
    const color = parts(getComputedStyle(node).backgroundColor);
    if (color.length === 3 || color[3] === 1) return color.slice(0, 3);
  }
  return [255, 255, 255];
};
const faint = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || ["TITLE", "SCRIPT"].includes(node.tagName.toUpperCase())) continue;
  const style = getComputedStyle(node), ink = parts(node instanceof SVGElement ? style.fill : style.color).slice(0, 3);
  const [one, other] = [light(ink), light(ground(node))].sort((a, b) => b - a);
  if ((one + 0.05) / (other + 0.05) < 4.5) faint.push(walker.currentNode.data);
}
return faint;
"""
# Labels of the picture that lie over each other.
COLLISIONS = """
const boxes = [...document.querySelectorAll("svg text")].map((node) => [node.textContent, node.getBoundingClientRect()]);
return boxes.flatMap(([one, a], index) => boxes.slice(index + 1)
  .filter(([, b]) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3)
  .map(([other]) => `${one} and ${other}`));
"""
# Labels of the picture that its edge cuts.
CUT = """
const edge = document.querySelector("svg").getBoundingClientRect();
return [...document.querySelectorAll("svg text, svg circle")].map((node) => [node.textContent, node.getBoundingClientRect()])
  .filter(([, box]) => box.left < edge.left || box.right > edge.right || box.top < edge.top || box.bottom > edge.bottom)
  .map(([text]) => text);
"""
OVERFLOW = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with started(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture
def page(tmp_path):
    def write(case):
        path = tmp_path / f"{case}.html"
        path.write_text(report(*CASES[case], NOW), encoding="utf-8")
        return path

    return write


def colours(picture):
    """Its most frequent colour first."""
    return [colour for _count, colour in sorted(picture.getcolors(1 << 24), reverse=True)]


@pytest.mark.parametrize("case", CASES)
def test_it_is_seen_in_light_and_dark(browser, page, case):
    pictures = {}
    for theme in ("light", "dark"):
        browser.look(page(case), theme, WIDE)
        pictures[theme] = browser.shown(PICTURES / f"{case}-{theme}.png")
        assert browser.ask(FAINT) == []
    light, dark = pictures["light"], pictures["dark"]
    assert light.size == dark.size
    assert min(colours(light)[0]) > 230
    assert max(colours(dark)[0]) < 60
    # Text, edges and bars, and not just the ground: a blank page has one colour.
    assert min(len(colours(picture)) for picture in pictures.values()) > 50
    assert ImageChops.difference(light, dark).getbbox() == (0, 0, *light.size)


@pytest.mark.parametrize("width", [WIDE, PHONE])
@pytest.mark.parametrize("case", CASES)
def test_it_fits_the_window_asks_for_nothing_and_complains_of_nothing(browser, page, case, width):
    path = page(case)
    browser.look(path, width=width)
    assert browser.ask(OVERFLOW) <= 0
    assert browser.ask(COLLISIONS) == []
    assert browser.ask(CUT) == []
    assert browser.requests() == [path.as_uri()]
    assert browser.complaints() == []


def test_a_large_one_opens_at_once(browser, page):
    """How fast is a matter of benchmarks; this would notice a page that hangs."""
    browser.look(page("9-servers-500-streams"))
    assert 0 < browser.timing()["load"] < 5000


def test_the_rest_of_the_streams_unfolds(browser, page):
    browser.look(page("9-servers-500-streams"))
    rows = "return [...document.querySelectorAll('tbody th')].filter((node) => node.checkVisibility()).length"
    folded = browser.ask(rows)
    browser.ask("document.querySelector('summary').click()")
    assert browser.ask(rows) == folded + 450


def test_what_leaves_a_page_would_be_seen(browser, tmp_path):
    """The checks above can fail."""
    path = tmp_path / "bad.html"
    bad = "<p style='color: #eee; width: 3000px'>faint<img src='http://127.0.0.1:9/x.png'><script>nothing()</script>"
    path.write_text(f"<body>{bad}")
    browser.look(path)
    assert browser.ask(FAINT) == ["faint"]
    assert browser.ask(OVERFLOW) > 0
    assert "http://127.0.0.1:9/x.png" in browser.requests()
    assert any("nothing is not defined" in text for text in browser.complaints())
