"""The targets of the fuzzer take what they are made for, and a crash says how to try it again."""

import subprocess
import sys
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz import run
from tests.fuzz.effort import examples
from tests.fuzz.feed import CORPUS
from tests.fuzz.target import Target
from tests.fuzz.targets.every import EVERY

HARD = [
    opening * 30_000 + rest
    for opening in (b"[", b'{"a":', b"a.", b"9", b'"', b",", b"a;b\n", b"\xff", b"BEGIN:X\r\n")
    for rest in (b"", b"]")
]
HARD += [head + b"[" * 30_000 for head in (b"x=", b"\0", b"\1", b'{"id":')]
HARD += [head + b"9" * 6000 + tail for head in (b"x=", b'{"id":', b'\0{"id":') for tail in (b"", b"}")]
HARD += [b'{"id":"\\ud800"}', b'\0{"id": 1e999}', b"\xed\xa0\x80", b"\xef\xbb\xbf{}"]
"""Nested deeper and written longer than a fuzzer comes to by itself."""

pytest.importorskip("atheris", reason="the fuzzer: pip install 'latchkey[dev]'")


@pytest.mark.parametrize("name", EVERY)
def test_a_target_takes_its_seeds_what_was_found_before_and_what_is_nearly_that(name):
    target = EVERY[name]
    found = [file.read_bytes() for file in sorted((CORPUS / name).glob("*"))]
    assert target.seeds

    @examples(15)
    @given(st.sampled_from(target.seeds), st.integers(0, 200), st.binary(max_size=4))
    def nearly(seed, at, instead):
        feed(seed[:at] + instead + seed[at + len(instead) :])

    with ExitStack() as stack:
        feed = target.open(stack)
        for data in (*target.seeds, *found, *(hard[:60_000] for hard in HARD), b""):
            feed(data)
        nearly()


def test_the_corpus_belongs_to_targets_and_is_small():
    files = [file for file in CORPUS.rglob("*") if file.is_file() and file.name != "README.md"]
    assert {file.parent.name for file in files} <= set(EVERY)
    assert sum(file.stat().st_size for file in files) < 100_000


def test_a_short_run_says_how_many_and_leaves_nothing(tmp_path, capsys):
    assert run.main(["--executions", "500", "--only", "births", "--crashes", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "births" in told
    assert "executions, 0 targets crashed" in told
    assert list(tmp_path.iterdir()) == []


def test_a_crash_leaves_its_input_and_says_how_to_try_it_again(tmp_path, monkeypatch, capsys):
    planted = tmp_path / "planted.py"
    planted.write_text(
        "import tests.fuzz.targets.every as every\n"
        "from tests.fuzz.target import Target\n"
        "from tests.fuzz.feed import main\n"
        "def feed(data):\n    assert len(data) < 3\n"
        "every.EVERY['planted'] = Target('planted', lambda _: feed, [b'nn'], share=1)\n"
        "import sys\nmain(sys.argv[1:])\n"
    )
    monkeypatch.setitem(EVERY, "planted", Target("planted", lambda _: None, [b""], share=1))
    command = [sys.executable, str(planted), "planted", "--runs=200000", "--seed=1", f"--crashes={tmp_path}"]
    real = subprocess.run
    monkeypatch.setattr(run.subprocess, "run", lambda _, **options: real(command, env={"PYTHONPATH": "."}, **options))
    assert run.main(["--only", "planted", "--crashes", str(tmp_path)]) == 1
    told = capsys.readouterr().out
    (left,) = tmp_path.glob("planted-crash-*")
    assert len(left.read_bytes()) >= 3
    assert f"CRASH in planted; again: python -m tests.fuzz.feed planted {left}" in told
    assert "1 targets crashed" in told
