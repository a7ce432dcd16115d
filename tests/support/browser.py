# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real browser without a window, for tests and benchmarks: what it shows, asks for, complains of, and how long it takes."""

from __future__ import annotations

import base64
import io
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

FIND = Path(__file__).resolve().parents[2] / "tools" / "browser"
FLAGS = (
    "--headless",
    "--no-sandbox",  # chromium starts as root only without it
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",  # they would be missing in a picture of the whole page
    "--disable-dev-shm-usage",  # a container's is small
    "--force-color-profile=srgb",
)
# Once it has been painted, which comes after the load.
TIMING = """
const done = arguments[0];
new PerformanceObserver((list) => {
  const [paint] = list.getEntriesByName("first-contentful-paint");
  if (paint) done({load: performance.getEntriesByType("navigation")[0].loadEventEnd, paint: paint.startTime});
}).observe({type: "paint", buffered: true});
"""


class Browser:
    def __init__(self, driver: Chrome) -> None:
        self._driver = driver

    def look(self, page: Path, theme: str = "light", width: int = 1280, height: int = 900) -> None:
        """Opens a page in a theme and at a size; logs begin anew."""
        media = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        self._driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self._driver.get("about:blank")
        self.complaints(), self._events()
        self._driver.get(page.as_uri())

    def ask(self, script: str) -> Any:
        """What a script of ours returns there: the page's policy holds for its own scripts only."""
        return self._driver.execute_script(script)

    def shown(self, path: Path) -> Image.Image:
        """The whole page as a picture, kept at the path."""
        clip = self.ask("const box = document.documentElement; return [box.scrollWidth, box.scrollHeight]")
        area = {"x": 0, "y": 0, "width": clip[0], "height": clip[1], "scale": 1}
        shot = self._driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": area})
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(shot["data"]))
        return Image.open(io.BytesIO(path.read_bytes())).convert("RGB")

    def complaints(self) -> list[str]:
        """What the console says: errors of scripts and of the policy among it."""
        return [entry["message"] for entry in self._driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Every address that was asked for since the page was opened."""
        wanted = (event["params"] for event in self._events() if event["method"] == "Network.requestWillBeSent")
        return [params["request"]["url"] for params in wanted]

    def timing(self) -> dict[str, float]:
        """Milliseconds from the start of the navigation, by the browser's own clock."""
        found: dict[str, float] = self._driver.execute_async_script(TIMING)
        return found

    def _events(self) -> list[dict[str, Any]]:
        return [json.loads(entry["message"])["message"] for entry in self._driver.get_log("performance")]


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """Chromium or Chrome with an empty profile."""
    found = subprocess.run([FIND], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    options = ChromeOptions()
    options.binary_location, driver = found[0], (found[1] or None)
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = Chrome(options=options, service=Service(driver))
    try:
        started.set_page_load_timeout(60)
        yield Browser(started)
    finally:
        started.quit()
