"""The rules of the house, checked over the syntax trees and over one real import of everything."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from agent.version import VERSION

ROOT = Path(__file__).parents[1]
FILES = sorted(
    file.relative_to(ROOT).as_posix() for part in ("agent", "training", "tests") for file in (ROOT / part).rglob("*.py")
)
AGENT = [file for file in FILES if file.startswith("agent/")]
TRAINING = [file for file in FILES if file.startswith("training/")]

LINES_OF_A_FILE = 250
LINES_OF_A_FUNCTION = 40  # without its signature and docstring
ALLOWED_TO_CATCH_EVERYTHING = {  # once each
    "agent/runtime.py": "a worker's thread ends, and the agent is told",
    "agent/mqtt/link.py": "the link's thread ends, and the agent is told",
    "agent/recorder.py": "handed over to the thread that waits for the change",
    "agent/cli/entry.py": "a command ends",
}
ALLOWED_TO_BE_LONG: dict[str, str] = {}  # file, or file:function -> why; empty is how it should stay

HARDWARE = {
    *("picamera2", "libcamera", "gpiozero", "lgpio", "RPi", "evdev"),
    *("ai_edge_litert", "tflite_runtime", "pycoral", "usb"),
}
ONLY_IN = {
    "agent/mqtt/": {"paho"},
    "agent/store/": {"sqlite3", "sqlite_utils"},
    "agent/hardware/": HARDWARE,
    "agent/demo/": {"amqtt"},
    "agent/cli/": {"typer"},
    "agent/web/": {"starlette", "uvicorn"},
    ("agent/cli/", "agent/demo/"): {"rich"},
    "agent/fleet/": {"psycopg", "pika"},
}
PURE = (
    "agent/vision/",
    "agent/gallery/",
    "agent/signature/",
    "agent/access/",
    "agent/attendance/",
    "agent/rulebook/",
    "agent/trust/",
)
IMPURE = {"agent.store", "agent.mqtt", "agent.web", "agent.hardware", "agent.runtime", "agent.app", "agent.cli"}
SHARED_WITH_TRAINING = {
    *("agent.vision", "agent.gallery", "agent.signature", "agent.hardware", "agent.types", "agent.errors"),
}
LOADED_WHEN_CHOSEN = re.compile(
    r"agent/hardware/(cameras|doors|inputs|readers|engines)/(?!__init__)\w+\.py|agent/demo/|agent/fleet/"
)
NOT_AT_IMPORT = HARDWARE | {"torch", "matplotlib", "litert_torch", "ai_edge_quantizer", "amqtt", "psycopg", "pika"}
VAGUE = re.compile(r"(Manager|Helpers?|Utils?|Processor)$|^Base[A-Z]")


@cache
def tree(file: str) -> ast.Module:
    return ast.parse((ROOT / file).read_text(encoding="utf-8"), file)


@cache
def imports(file: str) -> list[tuple[int, str]]:
    """(line, absolute dotted name) of all that a file imports, anywhere in it; `from a import b` is `a.b`."""
    package = file.removesuffix(".py").split("/")[:-1]
    found = []
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            found += [(node.lineno, f"{module}.{alias.name}") for alias in node.names]
    return found


def within(name: str, modules) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def offences(files, forbidden) -> list[str]:
    return [
        f"{file}:{line} imports {name}" for file in files for line, name in imports(file) if within(name, forbidden)
    ]


class TestImports:
    def test_agent_knows_neither_training_nor_tests(self):
        assert offences(AGENT, {"training", "tests"}) == []

    def test_training_takes_only_what_has_to_be_the_same(self):
        taken = [
            f"{file}:{line} imports {name}"
            for file in TRAINING
            for line, name in imports(file)
            if within(name, {"agent"}) and not within(name, SHARED_WITH_TRAINING)
        ]
        assert taken == []

    @pytest.mark.parametrize(("home", "libraries"), [pytest.param(*item, id=str(item[0])) for item in ONLY_IN.items()])
    def test_each_library_has_one_home(self, home, libraries):
        assert offences([file for file in AGENT if not file.startswith(home)], libraries) == []

    def test_between_camera_and_door_nothing_knows_the_outside(self):
        assert offences([file for file in AGENT if file.startswith(PURE)], IMPURE) == []

    def test_between_camera_and_door_there_is_no_clock(self):
        pure = [file for file in AGENT if file.startswith(PURE)]
        asked = [
            f"{file}:{node.lineno} asks the time"
            for file in pure
            for node in ast.walk(tree(file))
            if isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today"}
        ]
        assert asked + offences(pure, {"time"}) == []

    def test_only_the_hardware_opens_cameras(self):
        opened = [
            f"{file}:{node.lineno}"
            for file in AGENT
            if not file.startswith("agent/hardware/")
            for node in ast.walk(tree(file))
            if isinstance(node, ast.Attribute) and node.attr == "VideoCapture"
        ]
        assert opened == []

    def test_nothing_is_mocked(self):
        assert offences(FILES, {"unittest.mock", "mock"}) == []


class TestShape:
    def test_files_are_short(self):
        lines = {file: len((ROOT / file).read_text(encoding="utf-8").splitlines()) for file in AGENT + TRAINING}
        long = {file: n for file, n in lines.items() if n > LINES_OF_A_FILE and file not in ALLOWED_TO_BE_LONG}
        assert long == {}

    def test_functions_are_short(self):
        long = []
        for file in AGENT + TRAINING:
            for node in ast.walk(tree(file)):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    body = node.body[1:] if ast.get_docstring(node) else node.body
                    lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
                    name = f"{file}:{node.name}"
                    if lines > LINES_OF_A_FUNCTION and name not in ALLOWED_TO_BE_LONG:
                        long.append(f"{file}:{node.lineno} {node.name} has {lines} lines")
        assert long == []

    def test_what_is_allowed_to_be_long_still_exists(self):
        assert [name for name in ALLOWED_TO_BE_LONG if name.partition(":")[0] not in FILES] == []

    def test_protocols_have_four_members_at_most(self):
        wide = [
            f"{file}:{node.lineno} {node.name}"
            for file in AGENT
            for node in ast.walk(tree(file))
            if isinstance(node, ast.ClassDef)
            and any(ast.unparse(base).split("[")[0] in {"Protocol", "typing.Protocol"} for base in node.bases)
            and sum(isinstance(member, ast.FunctionDef | ast.AnnAssign) for member in node.body) > 4
        ]
        assert wide == []

    def test_names_say_what_things_are(self):
        vague = [
            f"{file}:{node.lineno} {node.name}"
            for file in AGENT + TRAINING
            for node in ast.walk(tree(file))
            if isinstance(node, ast.ClassDef) and VAGUE.search(node.name)
        ]
        vague += [file for file in AGENT + TRAINING if VAGUE.search(Path(file).stem.title().replace("_", ""))]
        assert vague == []

    def test_every_exception_is_caught_in_few_places(self):
        """Where a thread ends or a command: everything else catches what it can handle."""
        places = defaultdict(list)
        for file in AGENT:
            for node in ast.walk(tree(file)):
                if isinstance(node, ast.ExceptHandler) and catches_everything(node):
                    places[file].append(node.lineno)
        assert {file: lines for file, lines in places.items() if file not in ALLOWED_TO_CATCH_EVERYTHING} == {}
        assert [file for file, lines in places.items() if len(lines) > 1] == []


def catches_everything(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    reraised = isinstance(handler.body[-1], ast.Raise) and handler.body[-1].exc is None
    return not reraised and any(ast.unparse(kind) in {"Exception", "BaseException"} for kind in kinds)


IMPORT_EVERYTHING = """
import importlib, json, logging, sys, threading
told = []
def watch(event, args):
    if event in {"socket.connect", "socket.bind", "sqlite3.connect", "subprocess.Popen", "os.mkdir", "os.remove"}:
        told.append(f"{event} {args[:1]}")
    elif event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        if not str(args[0]).endswith((".pyc", "/dev/null")) and "__pycache__" not in str(args[0]):
            told.append(f"writes {args[0]}")
    elif event == "open" and str(args[0]).endswith((".tflite", ".toml", ".db", ".mp4")):
        told.append(f"opens {args[0]}")
sys.addaudithook(watch)
sys.dont_write_bytecode = True
report = {"absent": {}}
for names in json.loads(sys.argv[1]):
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError as error:
            report["absent"][name] = error.name or str(error)
    report.setdefault("loaded", sorted(sys.modules))  # by the first lot alone
report["did"] = told
report["threads"] = [thread.name for thread in threading.enumerate()][1:]
report["handlers"] = [repr(handler) for handler in logging.getLogger().handlers]
print(json.dumps(report))
"""


class TestImportingDoesNothing:
    @pytest.fixture(scope="class")
    @classmethod
    def report(cls):
        files = [file for file in AGENT if not file.endswith("__main__.py")]
        chosen = [file for file in files if LOADED_WHEN_CHOSEN.match(file)]
        names = [
            [file.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for file in lot]
            for lot in ([file for file in files if file not in chosen], chosen)
        ]
        run = subprocess.run(
            [sys.executable, "-c", IMPORT_EVERYTHING, json.dumps(names)],
            capture_output=True,
            text=True,
            timeout=100,
            cwd=ROOT,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)

    def test_all_modules_can_be_imported_but_those_for_absent_hardware(self, report):
        optional = HARDWARE | {"amqtt", "psycopg", "pika"}
        assert {name: library for name, library in report["absent"].items() if library not in optional} == {}

    def test_no_file_is_written_no_model_read_no_socket_opened(self, report):
        assert report["did"] == []

    def test_no_thread_is_started(self, report):
        assert report["threads"] == []

    def test_logging_is_left_to_the_command_line(self, report):
        assert report["handlers"] == []

    def test_no_heavy_library_is_loaded(self, report):
        assert [name for name in report["loaded"] if within(name, NOT_AT_IMPORT)] == []


def test_the_version_is_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == VERSION
    assert re.search(
        rf"^## \[{re.escape(VERSION)}\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )


NOT_INSTALLED = {"training": (".md", ".pt")}
"""What is told of the nets, and what they go on from: both are read in the repository."""


def test_what_is_installed_has_every_file_that_is_no_program():
    """An editable installation has all files anyway."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["package-data"]
    for package, patterns in told.items():
        installed = {file for pattern in patterns for file in (ROOT / package).glob(pattern)}
        there = {file for file in (ROOT / package).rglob("*") if file.is_file() and file.suffix not in {".py", ".pyc"}}
        assert {file for file in there - installed if file.suffix not in NOT_INSTALLED.get(package, ())} == set()
