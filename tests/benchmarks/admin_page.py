"""What the page for admins costs the door, and how soon it is there.

`python -m tests.benchmarks.admin_page [BROWSERS [SECONDS]]`

A terminal with the real models in a process of its own, before pictures that move, shown a card now and then, with
10,000 people and 100,000 events. Meanwhile so many browsers load everything, again and again, without a pause: the
page, its files, and whatever a view reads. Then Chromium opens each view of the quiet page.
"""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

import httpx
import numpy as np
from playwright.sync_api import sync_playwright

from agent.config import load_config
from agent.members.credentials import add_card
from agent.members.particulars import set_person
from agent.rules_in_force import apply_rules
from agent.seal.keyring import site_key
from agent.store import events
from agent.store.db import open_db
from agent.store.sealing import card_key
from agent.trust.roles import Role
from agent.web.admin.document import document
from agent.web.admin.site import FOLDER, operations
from agent.web.assets import load_folder
from tests.benchmarks import flood, register
from tests.benchmarks.outbox import BODY
from tests.end_to_end.pictures import make_pictures
from tests.end_to_end.terminal import Terminal
from tests.fakes.admin import Desk
from tests.fakes.ports import steady_port
from tests.fakes.registers import request

PEOPLE, EVENTS = 10_000, 100_000
PAINTS = 7
VIEWS = ("live", "people", "attendance", "rules", "audit", "device", "account")
READS = {
    "list": {"limit": 100},
    "log": {"limit": 100},
    "audit": {},
    "who_is_in": {},
    "rules": {},
    "jobs": {},
    "keys": {},
}


def prepared(folder):
    """A terminal with its page; Anna has a card, the others fill the database."""
    made = Terminal(folder, camera__fps=10.0, admin__enabled=True, admin__port=steady_port(), mqtt__enabled=False)
    pictures = make_pictures()
    made.seed(ada=pictures.ada)
    made.show([pictures.ada] * 3 + [pictures.empty] * 5 + [pictures.stranger] * 3 + [pictures.empty] * 5)
    config = load_config(made.config_file, {}, {})
    began = datetime.now(UTC) - timedelta(days=30)
    with open_db(config.database_path, key=site_key(config)) as db:
        set_person(db, "anna", {"groups": ["staff"]}, request(), create=True)
        add_card(db, "anna", "04A2B3", card_key(db), request())
        apply_rules(lambda change: change(db), flood.RULES, request())
        register.fill(db, PEOPLE)
        with db.transaction():
            for n in range(EVENTS):
                at = began + timedelta(seconds=20 * n)
                events.append(db, "access", at, "b1", {**BODY, "person": f"p{n % PEOPLE:05}"})
    return made, config


def signed_in(count):
    """Opens so many sessions in the terminal: what each says, and its cookie."""

    def ready(agent):
        clients = [Desk(agent).client(Role.OWNER, "olga") for _ in range(count)]
        return [[dict(client.headers), dict(client.cookies)] for client in clients]

    return ready


class Browser(threading.Thread):
    """Loads everything, again and again."""

    def __init__(self, url, session, over):
        super().__init__(daemon=True)
        self.took, self.lost, self._url, self._session, self._over = defaultdict(list), 0, url, session, over

    def run(self):
        headers, cookies = self._session
        with httpx.Client(base_url=self._url, headers=headers, cookies=cookies, timeout=60) as client:
            while not self._over.is_set():
                for method, path, body in self._asked():
                    began = time.perf_counter()
                    try:
                        good = client.request(method, path, json=body).is_success
                    except httpx.TransportError:
                        good = False
                    self.took[path].append(1000 * (time.perf_counter() - began))
                    self.lost += not good

    def _asked(self):
        files = [("GET", f"/admin/{name}", None) for name in load_folder(FOLDER, "admin.html")]
        verbs = [("POST", f"/admin/api/ask/{verb}", body) for verb, body in READS.items()]
        return [*files, *verbs, *(("GET", f"/admin/api{path}", None) for path in plain())]


def plain():
    """What is read with nothing told, and ends."""
    for path, methods in document(operations())["paths"].items():
        told = methods.get("get", {})
        good = told.get("responses", {}).get("200", {}).get("content", {})
        needs = "{" in path or any(each["required"] for each in told.get("parameters", ()))
        if told and not needs and "text/event-stream" not in good:
            yield path


def loaded(url, sessions, lines, seconds):
    """What the door does while so many browsers load everything."""
    over = threading.Event()
    browsers = [Browser(url, session, over) for session in sessions]
    taken = len(lines)
    for browser in browsers:
        browser.start()
    time.sleep(seconds)
    found = lines[taken:]
    over.set()
    for browser in browsers:
        browser.join(60)
    told(f"{len(browsers)} browsers", found)
    if browsers:
        answered(browsers, seconds)


def answered(browsers, seconds):
    """Prints how soon they were answered."""
    paths = {path: [each for one in browsers for each in one.took[path]] for path in browsers[0].took}
    took, lost = list(chain.from_iterable(paths.values())), sum(browser.lost for browser in browsers)
    slowest = max(paths, key=lambda path: np.median(paths[path]))
    print(
        f"  {len(took) / seconds:.0f} requests/s, {lost} refused; answered p50 {np.median(took):.0f} ms, "
        f"p99 {np.percentile(took, 99):.0f} ms; slowest {slowest} p50 {np.median(paths[slowest]):.0f} ms"
    )


def told(name, lines):
    """Prints what the door did."""
    waits = [line["decided_ms"] or 3000 for line in lines]
    frames = (lines[-1]["frames"] - lines[0]["frames"]) / (lines[-1]["at"] - lines[0]["at"])
    print(
        f"{name}: {len(waits)} cards, decided p50 {np.median(waits):.1f} ms, p99 {np.percentile(waits, 99):.1f} ms; "
        f"{frames:.1f} frames/s; {lines[-1]['memory']:.0f} MiB",
        flush=True,
    )


def painted(browser, url, session, view):
    """When the first paint of a view was, and when it was there, of some fresh browsers."""
    paints, there = [], []
    for _ in range(PAINTS):
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.add_cookies([{"name": name, "value": value, "url": url} for name, value in session[1].items()])
        page = context.new_page()
        page.goto(f"{url}/admin#/{view}")
        page.wait_for_selector(f".view[data-view={view}] h1", timeout=20_000)
        there.append(page.evaluate("performance.now()"))
        paints.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN"))
        context.close()
    print(f"{view}: first paint p50 {statistics.median(paints):.0f} ms; the view {statistics.median(there):.0f} ms")


def main(browsers=20, seconds=40):
    """Prints the figures."""
    files = [asset for name, asset in load_folder(FOLDER, "admin.html").items() if name]
    whole, packed = sum(len(each.content) for each in files), sum(len(each.packed) for each in files)
    print(f"the whole page: {whole / 1e3:.0f} kB, {packed / 1e3:.0f} kB by gzip")
    with tempfile.TemporaryDirectory() as folder:
        made, config = prepared(Path(folder))
        url = f"http://127.0.0.1:{config.admin.port}"
        command = [sys.executable, "-m", "tests.benchmarks.admin_page", "--terminal", str(made.config_file)]
        log = (Path(folder) / "log").open("w")
        process = subprocess.Popen([*command, str(browsers + 1)], stdout=subprocess.PIPE, stderr=log, text=True)
        lines = []
        try:
            sessions = json.loads(process.stdout.readline() or sys.exit((Path(folder) / "log").read_text()))["ready"]
            reading = (lines.append(json.loads(line)) for line in process.stdout)
            threading.Thread(target=lambda: [*reading], daemon=True).start()
            time.sleep(5)
            loaded(url, [], lines, seconds)
            loaded(url, sessions[1:], lines, seconds)
            with sync_playwright() as started:
                browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
                for view in VIEWS:
                    painted(browser, url, sessions[0], view)
                browser.close()
        finally:
            process.terminate()
            process.wait(20)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--terminal"]:
        flood.terminal(sys.argv[2], signed_in(int(sys.argv[3])))
    else:
        main(*map(int, sys.argv[1:]))
