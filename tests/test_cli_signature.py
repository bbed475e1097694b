"""`latchkey people signature`, and what `latchkey check` says of signatures."""

import json

import pytest

from agent.cli import signature_check
from agent.config import load_config
from agent.rules_in_force import apply_rules
from agent.store.db import open_db
from tests.fakes.pens import points
from tests.fakes.registers import request
from tests.fakes.terminal import Terminal, forget_logging

RULES = """
time_zone = "UTC"
[doors.door]
factors = "face+signature"
[[grants]]
groups = ["*"]
doors = ["*"]
"""


@pytest.fixture
def latchkey(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    yield Terminal(tmp_path, monkeypatch, capsys)
    forget_logging()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "signatures.json"
    path.write_text(json.dumps({"signatures": [{"points": points(1, each)} for each in range(3)]}))
    return path


def test_from_a_file_and_forgotten(latchkey, file):
    latchkey("people", "set", "anna", "--new")
    done = latchkey("people", "signature", "anna", str(file), "--consent", "notice 1", "--json")
    assert (done.code, done.json) == (0, {"person": "anna", "signatures": 3, "replaced": 0})
    assert latchkey("people", "signature", "anna", str(file)).out == "anna: 3 signatures in place of 3\n"
    assert latchkey("people", "signature", "anna", "--clear").out == "anna: 3 signatures forgotten\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "Invalid JSON"),
        ('{"signatures": []}', "signatures: "),
        (
            json.dumps({"signatures": [{"points": points(1)[:5]}]}),
            "signature 1: 5 points are no signature: sign in full",
        ),
    ],
    ids=["no JSON", "none in it", "a slip of the pen"],
)
def test_what_is_wrong_with_a_file_is_said(latchkey, file, content, said):
    latchkey("people", "set", "anna", "--new")
    file.write_text(content)
    refused = latchkey("people", "signature", "anna", str(file), "--consent", "n")
    assert refused.code == 1
    assert said in refused.err
    assert "Traceback" not in refused.err


def test_a_file_or_clear(latchkey):
    assert latchkey("people", "signature", "anna").code == 2
    assert "cannot be read" in latchkey("people", "signature", "anna", "absent.json").err


class TestCheck:
    @pytest.fixture
    def found(self, tmp_path, monkeypatch):
        def look(*, asked, encoder=True, web=True):
            config = load_config(None, {"device.data_dir": tmp_path, "web.enabled": web}, {})
            if asked:
                with open_db(config.database_path) as db:
                    apply_rules(lambda change: change(db), RULES, request())
            if not encoder:
                monkeypatch.setattr(signature_check, "installed", lambda _: False)
            return signature_check.signatures(config)

        return look

    def test_all_is_well(self, found):
        finding = found(asked=True)
        assert (finding.state, finding.advice) == ("ok", "")
        assert finding.text.endswith("4 signatures encoded as when it was made")

    def test_the_rules_ask_and_there_is_no_encoder(self, found):
        finding = found(asked=True, encoder=False)
        assert finding.state == "warning"
        assert finding.text == "the rules ask for a signature, and no encoder is installed"

    def test_the_rules_ask_and_there_is_no_screen(self, found):
        assert found(asked=True, web=False).advice == "[web] enabled = true"

    def test_without_an_encoder_and_nobody_asked_all_is_well(self, found):
        assert found(asked=False, encoder=False).state == "ok"
