"""axe-core, which finds what people without sight or without a mouse cannot use; fetched by npm once, in `.axe`."""

import shutil
import subprocess
from pathlib import Path

FOLDER = Path(__file__).parents[2] / ".axe"
VERSION = "4.14.1"
SCRIPT = FOLDER / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def axe_source():
    """Returns the script, or why there is none."""
    if SCRIPT.is_file():
        return SCRIPT.read_text(encoding="utf-8"), ""
    npm = shutil.which("npm")
    if npm is None:
        return None, "npm is not installed: sudo apt install npm"
    FOLDER.mkdir(exist_ok=True)
    asked = [npm, "install", f"axe-core@{VERSION}", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0"]
    try:
        run = subprocess.run([*asked, "--prefix", str(FOLDER)], capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return None, "npm has not fetched axe-core within a minute"
    if run.returncode or not SCRIPT.is_file():
        return None, f"npm cannot fetch axe-core {VERSION}: {run.stderr.strip()[-200:]}"
    return SCRIPT.read_text(encoding="utf-8"), ""


def violations(page, source):
    """Returns what axe finds on a page as it is now: rule, and where."""
    page.evaluate(source + "\n;0")
    found = page.evaluate("(tags) => axe.run(document, { runOnly: tags }).then((told) => told.violations)", RULES)
    return [(each["id"], node["target"], node["failureSummary"]) for each in found for node in each["nodes"]]
