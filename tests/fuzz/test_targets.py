"""The targets of the fuzzer take what they are made for, and a crash says how to try it again."""

import subprocess
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


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """Has the runner feed a target of the test's own, not watched: to watch all there is takes some seconds."""
    real = subprocess.run

    def plant(feed):
        script = tmp_path / "planted.py"
        script.write_text(
            "import sys\nimport tests.fuzz.targets.every as every\n"
            "from tests.fuzz.feed import main\nfrom tests.fuzz.target import Target\n"
            f"def feed(data):\n    {feed}\n"
            "every.EVERY['planted'] = Target('planted', lambda _: feed, [b'nn'], share=1)\nmain(sys.argv[1:])\n"
        )

        def run_it(command, **options):
            return real([command[0], str(script), *command[3:]], env={"PYTHONPATH": "."}, **options)

        monkeypatch.setitem(EVERY, "planted", Target("planted", lambda _: None, [b""], share=1))
        monkeypatch.setattr(run.subprocess, "run", run_it)
        return run.main(["--executions", "2000", "--only", "planted", "--crashes", str(tmp_path / "crashes")])

    return plant


def test_a_run_says_how_many_and_leaves_nothing(planted, tmp_path, capsys):
    assert planted("pass") == 0
    assert "2,000 executions, 0 targets crashed" in capsys.readouterr().out
    assert list((tmp_path / "crashes").iterdir()) == []


def test_a_crash_leaves_its_input_and_says_how_to_try_it_again(planted, tmp_path, capsys):
    assert planted("assert len(data) < 3") == 1
    told = capsys.readouterr().out
    (left,) = (tmp_path / "crashes").glob("planted-crash-*")
    assert len(left.read_bytes()) >= 3
    assert f"CRASH in planted; again: python -m tests.fuzz.feed planted {left}" in told
    assert "1 targets crashed" in told
