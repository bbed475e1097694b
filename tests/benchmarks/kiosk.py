"""What the page at the wall costs the door: its threads' CPU while a browser watches the demo's people live; and how
heavy the page is and how soon it is painted.

.venv/bin/python -m tests.benchmarks.kiosk [--pictures FOLDER]
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

from agent.glance import Glance
from agent.types import Box, Frame
from agent.web.assets import load_kiosk
from agent.web.mirror import EVERY_SECONDS, Mirror
from tests.benchmarks import screens
from tests.fakes.demo_door import demo_door

OURS = ("web", "herald", "intake")  # threads
SECONDS = 30.0  # most of the clip
PAINTS = 9
TICKS = 100  # a second, of /proc


def cpu_seconds(threads):
    """What these threads have had of the processors (proc(5): utime and stime are the 14th and 15th)."""
    fields = [
        Path(f"/proc/self/task/{thread.native_id}/stat").read_text().rpartition(")")[2].split() for thread in threads
    ]
    return sum(int(each[11]) + int(each[12]) for each in fields) / TICKS


def pictures():
    """How long a picture takes by the size of the frame, and handing a frame over."""
    for width, height in ((640, 480), (1280, 720), (1920, 1080)):
        noise = np.random.default_rng(1).integers(0, 255, (height // 8, width // 8, 3), np.uint8)
        image = noise.repeat(8, 0).repeat(8, 1)
        mirror, glance, took = Mirror(), Glance(Box(100, 100, 120, 150), None), []
        for number in range(100):
            frame = Frame(image, datetime.now(UTC), number, "camera")
            mirror.saw(frame, glance)
            began = time.perf_counter()
            mirror.picture()
            took.append((time.perf_counter() - began) * 1e3)
        typical = statistics.median(took)
        print(f"a picture of {width} x {height}: {typical:.2f} ms, {typical / EVERY_SECONDS / 10:.1f} % of a core")
    began = time.perf_counter()
    for _ in range(100_000):
        mirror.saw(frame, glance)
    print(f"handing a frame over: {(time.perf_counter() - began) * 10:.2f} us, of the vision's thread")


def watched(page, agent):
    """The share of a core that the kiosk's threads take."""
    threads = [thread for thread in threading.enumerate() if thread.name in OURS]
    assert len(threads) == len(OURS), [thread.name for thread in threading.enumerate()]
    before, began = cpu_seconds(threads), time.monotonic()
    agent.look()
    page.wait_for_timeout(SECONDS * 1e3)
    share = (cpu_seconds(threads) - before) / (time.monotonic() - began)
    print(f"web, herald and intake while a browser watches live for {SECONDS:.0f} s: {100 * share:.1f} % of a core")


def painted(browser, url):
    """When the first paint was, of some fresh browsers."""
    found = []
    for _ in range(PAINTS):
        context = browser.new_context(viewport={"width": 600, "height": 1024})
        page = context.new_page()
        page.goto(url)
        page.wait_for_selector("#prompt:not(:empty)")
        found.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
        context.close()
    print(f"first paint: p50 {statistics.median(found):.0f} ms, the longest {max(found):.0f} ms, of {PAINTS}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path, help="leave screenshots in this folder instead")
    told = parser.parse_args()
    with sync_playwright() as started, tempfile.TemporaryDirectory() as folder:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        if told.pictures is not None:
            screens.leave(browser, Path(folder), told.pictures)
            return 0
        weight = sum(len(asset.content) for name, asset in load_kiosk().items() if name)
        print(f"the page with all languages: {weight / 1e3:.0f} kB")
        pictures()
        with demo_door(Path(folder), web__picture="live") as (agent, _):
            url = f"http://127.0.0.1:{agent.config.web.port}/kiosk"
            painted(browser, url)
            page = browser.new_page(viewport={"width": 600, "height": 1024})
            page.goto(url)
            page.wait_for_selector("#prompt:not(:empty)")
            watched(page, agent)
            page.close()
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
