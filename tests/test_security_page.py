"""deploy/SECURITY.md: the tests that it names are there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "deploy" / "SECURITY.md").read_text(encoding="utf-8")
TABLE = PAGE[PAGE.index("## Who holds what") :]
NAMED = sorted(set(re.findall(r"`((?:end_to_end/)?test_\w+\.py)(?:::(\w+))?`", TABLE)))


def test_every_row_names_a_test():
    rows = [line for line in TABLE.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 12
    assert [row for row in rows if "test_" not in row.rsplit("|", 2)[-2]] == []
    assert {len(row.split(" | ")) for row in rows} == {5}


@pytest.mark.parametrize(("file", "name"), NAMED, ids=lambda part: part)
def test_what_is_named_is_there(file, name):
    path = ROOT / "tests" / file
    assert path.exists(), f"deploy/SECURITY.md names {file}, which is not there"
    defined = {node.name for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
               if isinstance(node, ast.FunctionDef | ast.ClassDef)}  # fmt: skip
    assert not name or name in defined, f"deploy/SECURITY.md names {file}::{name}, which is not there"
